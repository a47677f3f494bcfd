using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Other shapes than the default one, each started for itself.</summary>
public sealed class VariantTests
{
    [Fact]
    public async Task H3_WithoutReplicas_AMemoryBufferLogWorks()
    {
        await using var system = await RunningSystem.StartAsync(dataDirectory: null, "Replicas=0");
        await system.CreateLogAsync("h3", "MemoryBuffer");

        var offset = await system.AppendAsync("h3", "hello"u8.ToArray());

        Assert.Equal("hello", Encoding.UTF8.GetString(await system.ReadAsync("h3", offset)));
        Assert.DoesNotContain(system.ServiceIds, id => id.StartsWith("replica", StringComparison.Ordinal));
    }

    [Fact]
    public async Task H4_MemoryProfile_LeavesNoFile()
    {
        await using var system = await RunningSystem.StartAsync(dataDirectory: null, "Profile=memory", "Replicas=0");
        Assert.Empty(Directory.EnumerateFileSystemEntries(system.DataDirectory)); // The data are elsewhere.
        var data = Environment(system.Pid("writer-1"), "ConnectionStrings__objects").Split("file://")[1];
        Assert.True(Directory.Exists(Path.GetDirectoryName(data)));

        await system.App.StopAsync(new CancellationTokenSource(RunningSystem.StartLimit).Token);
        await system.App.DisposeAsync();

        Assert.False(Directory.Exists(Path.GetDirectoryName(data)));
    }

    [Fact]
    public async Task H5_ExternalMetadata_StartsNoEtcd()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/etcd"), "There is no etcd to be external.");
        var folder = Directory.CreateTempSubdirectory("woodpecker-etcd-").FullName;
        var (client, peer) = (FreePort(), FreePort());
        using var etcd = Process.Start(new ProcessStartInfo("etcd",
        [
            "--data-dir", folder, "--listen-client-urls", Address(client), "--advertise-client-urls", Address(client),
            "--listen-peer-urls", Address(peer), "--initial-advertise-peer-urls", Address(peer), "--initial-cluster",
                $"default={Address(peer)}",
        ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        etcd.BeginErrorReadLine();
        etcd.BeginOutputReadLine();
        try
        {
            await using var system = await RunningSystem.StartAsync(dataDirectory: null, "Replicas=0",
                $"--ConnectionStrings:metadata={Address(client)}");

            Assert.DoesNotContain(system.App.Services.GetService<DistributedApplicationModel>()!.Resources.OfType<ExecutableResource>(), r => r.Name == "metadata");
            await system.CreateLogAsync("h5", "MemoryBuffer");
        }
        finally
        {
            etcd.Kill();
            await etcd.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task H6_PinnedDirectory_RefusesTheOtherKind()
    {
        var folder = Directory.CreateTempSubdirectory("woodpecker-e2e-").FullName;
        await using (await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [$"--Woodpecker:DataDir={folder}", "--Woodpecker:Metadata=embedded"]))
        {
            // The plan is made and the directory pinned; nothing has to run for that.
        }

        using var host = AppHostProcess.Start(folder, "--ConnectionStrings:metadata=http://127.0.0.1:1");

        Assert.Equal(1, await host.WaitForExitAsync());
        Assert.Contains("belongs to metadata of kind 'embedded'", host.Output, StringComparison.Ordinal);
        Assert.Contains("--Woodpecker:Metadata=embedded", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task H13_TwoSystems_RunBesideEachOther()
    {
        var offsets = await Task.WhenAll(Enumerable.Range(0, 2).Select(async i =>
        {
            await using var system = await RunningSystem.StartAsync(dataDirectory: null, "Replicas=0");
            await system.CreateLogAsync("h13", "MemoryBuffer");
            var offset = await system.AppendAsync("h13", Encoding.UTF8.GetBytes($"system {i}"));
            Assert.Equal($"system {i}", Encoding.UTF8.GetString(await system.ReadAsync("h13", offset)));
            return offset;
        }));

        Assert.Equal([0UL, 0UL], offsets);
    }

    [Fact]
    public async Task H14_UnknownOption_IsRefused_WithTheNearestName()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--Woodpecker:Replcas=5"]));

        Assert.Contains("--Woodpecker:Replicas", error.ToString(), StringComparison.Ordinal);
    }

    private static string Environment(int pid, string name) =>
        File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/environ")).Split('\0')
            .First(v => v.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
