using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>AppHost seen from outside: its exit, its death, its console.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("woodpecker-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task H7_CtrlC_StopsEverything_WithinFiveSeconds_AndExitCodeZero()
    {
        using var host = AppHostProcess.Start(_data, "Ports:Base=0");
        await host.WaitForLineAsync("Ready in");
        var run = host.RunId();
        Assert.NotEmpty(AppHostProcess.ProcessesOf(run));

        var watch = Stopwatch.StartNew();
        host.Signal("INT");
        var exitCode = await host.WaitForExitAsync();

        Assert.Equal(0, exitCode);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero,
            TimeSpan.FromSeconds(6)); // Five, and the end of this process itself.
        Assert.Empty(AppHostProcess.ProcessesOf(run));
        Assert.DoesNotContain("were killed", host.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_data, "run", "endpoints.json")));
    }

    [Fact]
    public async Task H8_KilledAppHost_LeavesNoProcess_AndTheNextStartFindsTheData()
    {
        string run;
        using (var host = AppHostProcess.Start(_data, "Ports:Base=0"))
        {
            await host.WaitForLineAsync("Ready in");
            run = host.RunId();
            host.Signal("KILL");
            await host.WaitForExitAsync();
        }

        await Wait.ForAsync("the end of all processes", () => AppHostProcess.ProcessesOf(run).Count == 0,
            TimeSpan.FromSeconds(10), () => $"Left: {string.Join(", ", AppHostProcess.ProcessesOf(run))}");

        using var next = AppHostProcess.Start(_data, "Ports:Base=0");
        await next.WaitForLineAsync("Ready in");
    }

    [Fact]
    public async Task H12_SecondAppHost_OnTheSameData_IsRefused()
    {
        using var first = AppHostProcess.Start(_data, "Ports:Base=0", "Replicas=0");
        await first.WaitForLineAsync("Distributed application started");

        using var second = AppHostProcess.Start(_data, "Ports:Base=0");

        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains("Another AppHost", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task H16_BusyPort_IsReplaced_UnlessTheUserNamedTheBase()
    {
        const int internalOfReplica2 = 21;
        using var usual = Listen(7400 + internalOfReplica2);
        using (var host = AppHostProcess.Start(_data))
        {
            // Another AppHost on this machine may have all the usual ports, which is said as well.
            await Wait.ForAsync("the report of the ports", () =>
                host.Output.Contains("port 7421", StringComparison.Ordinal)
                || host.Output.Contains("another AppHost uses the ports", StringComparison.Ordinal),
                    RunningSystem.StartLimit,
                () => host.Output);
            Assert.Contains("taken instead", host.Output, StringComparison.Ordinal);
        }

        using var own = Listen(port: 0);
        var busy = ((IPEndPoint)own!.LocalEndPoint!).Port;
        using var stubborn = AppHostProcess.Start(Path.Combine(_data, "other"),
            $"Ports:Base={busy - internalOfReplica2}");

        Assert.Equal(1, await stubborn.WaitForExitAsync());
        Assert.Contains("is already in use", stubborn.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task H15_NoSecret_IsInConsole_Dashboard_OrPlan()
    {
        using var host = AppHostProcess.Start(_data, "Ports:Base=0", "Replicas=0",
            "--ConnectionStrings:metadata=http://me:hunter2@127.0.0.1:9");
        await host.WaitForLineAsync("Distributed application started");
        using var client = new HttpClient
        {
            BaseAddress = new Uri(new Uri(host.LoginUrl)
            .GetLeftPart(UriPartial.Authority))
        };
        client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", host.LoginUrl.Split("?t=")[1]);
        var endpoints = await File.ReadAllTextAsync(Path.Combine(_data, "run", "endpoints.json"));
        var token = endpoints.Split("\"appApiToken\": \"")[1].Split('"')[0];

        var shown = host.Output + await File.ReadAllTextAsync(Path.Combine(_data, "run", "plan.json"))
            + await client.GetStringAsync("/api/resources") + await client.GetStringAsync("/api/resources/writer-1")
            + await client.GetStringAsync("/api/resources/writer-1-dapr");

        Assert.Contains("APP_API_TOKEN", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(token, shown, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(_data, "run", "endpoints.json")));
        }
    }

    /// <summary>A listener on the port; null when somebody has it already, which serves as well.</summary>
    private static Socket? Listen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
