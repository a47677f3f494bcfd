using System.Globalization;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

/// <summary>Stop and death of a whole host, seen from outside.</summary>
public sealed class LifeTests : IDisposable
{
    private static readonly string[] _all = ["store", "replica", "writer", "replica-sidecar", "writer-sidecar"];

    private readonly string _folder = Directory.CreateTempSubdirectory("apphost").FullName;

    private string Trace => Path.Combine(_folder, "trace");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(HostProcess.SigInt)]
    [InlineData(HostProcess.SigTerm)]
    public async Task Signal_StopsWritersThenReplicasThenSidecarsThenTheStore_WithExitCodeZero(int signal)
    {
        using var host = HostProcess.Start("--Scenario=order", $"--Trace={Trace}");
        var pids = await PidsAsync(_all);

        host.Signal(signal);
        await host.WaitForExitAsync();

        Assert.Equal(0, host.ExitCode);
        var order = await File.ReadAllLinesAsync(Trace);
        Assert.Equal(["writer", "replica"], order[..2]);
        Assert.Equal(["replica-sidecar", "writer-sidecar"], order[2..4].Order());
        Assert.Equal("store", order[4]);
        Assert.All(pids, pid => Assert.False(HostProcess.IsAlive(pid)));
    }

    [Fact]
    public async Task HostThatIsKilled_LeavesNoProcess()
    {
        using var host = HostProcess.Start("--Scenario=order", $"--Trace={Trace}");
        var pids = await PidsAsync(_all);

        host.Signal(HostProcess.SigKill);

        await Wait.ForAsync("the end of all processes", () => !pids.Exists(HostProcess.IsAlive));
        Assert.Equal(5, (await File.ReadAllLinesAsync(Trace)).Length); // Each was asked, not killed.
    }

    [Fact]
    public async Task StubbornProcess_IsKilled_WhenTheGraceIsOver()
    {
        using var host = HostProcess.Start("--Scenario=stubborn", "--EmbeddedHost:StopGraceSeconds=1",
            $"--EmbeddedHost:RunDirectory={_folder}");
        await Wait.ForAsync("the process", () => File.Exists(Log("stubborn")) && File.ReadAllText(Log("stubborn"))
            .Contains("ready", StringComparison.Ordinal), () => host.Output);

        host.Signal(HostProcess.SigInt);
        await host.WaitForExitAsync();

        Assert.Equal(0, host.ExitCode);
        Assert.Contains("were killed: stubborn", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondCtrlC_SkipsTheGrace()
    {
        using var host = HostProcess.Start("--Scenario=stubborn", "--EmbeddedHost:StopGraceSeconds=600",
            $"--EmbeddedHost:RunDirectory={_folder}");
        await Wait.ForAsync("the process", () => File.Exists(Log("stubborn")) && File.ReadAllText(Log("stubborn"))
            .Contains("ready", StringComparison.Ordinal), () => host.Output);

        host.Signal(HostProcess.SigInt);
        await host.WaitForOutputAsync("Stopping (SIGINT)");
        while (!await ExitsWithinAsync(host, TimeSpan.FromMilliseconds(400)))
            host.Signal(HostProcess.SigInt); // Two within a moment count as one.

        Assert.Equal(0, host.ExitCode);
    }

    [Fact]
    public async Task PidFile_NamesEveryProcess_AndIsGoneAfterAnOrderlyStop()
    {
        using var host = HostProcess.Start("--Scenario=order", $"--Trace={Trace}",
            $"--EmbeddedHost:RunDirectory={_folder}");
        var pids = await PidsAsync(_all);
        var file = Path.Combine(_folder, "pids.json");
        var written = await File.ReadAllTextAsync(file);
        Assert.All(pids, pid => Assert.Contains($"\"pid\":{pid},", written, StringComparison.Ordinal));

        host.Signal(HostProcess.SigTerm);
        await host.WaitForExitAsync();

        Assert.False(File.Exists(file));
    }

    private string Log(string name) => Path.Combine(_folder, "logs", $"{name}.log");

    private async Task<List<int>> PidsAsync(string[] names)
    {
        var pids = new List<int>();
        foreach (var name in names)
        {
            var path = $"{Trace}.{name}.pid";
            await Wait.ForAsync(name, () => File.Exists(path) && new FileInfo(path).Length > 0);
            pids.Add(int.Parse((await File.ReadAllTextAsync(path)).Trim(), CultureInfo.InvariantCulture));
        }

        return pids;
    }

    private static async Task<bool> ExitsWithinAsync(HostProcess host, TimeSpan limit)
    {
        try
        {
            await host.WaitForExitAsync().WaitAsync(limit);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
