using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Woodpecker.Services.Tests.Compactor;
using Woodpecker.Services.Tests.Reader;
using Woodpecker.Services.Tests.Replica;
using Woodpecker.Services.Tests.Writer;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>Settings that cannot work, stores that are away, data directories that cannot serve: a sentence, never a stack.</summary>
public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("Woodpecker:Journal:FileByte", "1", "Woodpecker:Journal:FileByte is no setting; Woodpecker:Journal has Directory, Kind, FileBytes")]
    [InlineData("Woodpecker:Care:Period", "1", "Woodpecker:Care:Period is no setting")]
    [InlineData("Woodpecker:Journal:FileBytes", "4194304", "Woodpecker:Journal:FileBytes is 4194304; it must be a multiple of 4096 and at least 16")]
    [InlineData("Woodpecker:Journal:FileBytes", "16777216", "Woodpecker:Journal:FileBytes is 16777216; it must be a multiple of 4096 and at least 16")]
    [InlineData("Woodpecker:Journal:FileBytes", "33554433", "Woodpecker:Journal:FileBytes is 33554433; it must be a multiple of 4096")]
    [InlineData("Woodpecker:Journal:FileBytes", "-1", "FileBytes")]
    [InlineData("Woodpecker:Journal:FileBytes", "32MiB", "Woodpecker:Journal:FileBytes")]
    [InlineData("Woodpecker:Journal:FileBytes", "9223372036854775808", "Woodpecker:Journal:FileBytes")]
    [InlineData("Woodpecker:Journal:CapacityBytes", "67108864", "Woodpecker:Journal:CapacityBytes is 67108864; it must be at least 134217728")]
    [InlineData("Woodpecker:Journal:RefuseDataAt", "0.5", "UploadHarderAt 0.7, SlowDataAt 0.85 and RefuseDataAt 0.5 must rise")]
    [InlineData("Woodpecker:Journal:RefuseDataAt", "NaN", "RefuseDataAt")]
    [InlineData("Woodpecker:Journal:Kind", "Tape", "Woodpecker:Journal:Kind is Disk or Memory")]
    [InlineData("Woodpecker:Journal:Kind", "Memory", "a journal of kind Memory writes no file")]
    [InlineData("Woodpecker:Journal:Directory", " ", "Woodpecker:Journal:Directory is missing")]
    [InlineData("Woodpecker:NodeId", "Replica 1", "Woodpecker:NodeId has 1-63")]
    [InlineData("Woodpecker:ClusterId", "five", "Woodpecker:ClusterId")]
    [InlineData("Woodpecker:Care:PeriodMilliseconds", "5s", "Woodpecker:Care:PeriodMilliseconds")]
    [InlineData("Woodpecker:Care:MaxUploads", "0", "MaxUploads")]
    public async Task AReplica_DoesNotStart_AndNamesTheSetting(string key, string value, string names)
    {
        await using var world = await ReplicaWorld.CreateAsync();
        var e = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using var host = await ReplicaHost.StartAsync(world, (key, value));
        });
        Assert.Contains(names, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Woodpecker:Writer:TargetFrameByte", "1", "Woodpecker:Writer:TargetFrameByte is no setting")]
    [InlineData("Woodpecker:Writer:LiveSeconds", "1", "LiveSeconds")]
    [InlineData("Woodpecker:Writer:LiveSeconds", "5s", "Woodpecker:Writer:LiveSeconds")]
    [InlineData("Woodpecker:Writer:TargetFrameBytes", "2147483648", "Woodpecker:Writer:TargetFrameBytes")]
    [InlineData("Woodpecker:Writer:TargetFrameBytes", "4194304", "TargetFrameBytes")] // a frame larger than a sidecar carries
    [InlineData("Woodpecker:Writer:PipelineDepth", "0", "PipelineDepth")]
    [InlineData("Woodpecker:NodeId", "", "Woodpecker:NodeId is missing")]
    public async Task AWriter_DoesNotStart_AndNamesTheSetting(string key, string value, string names)
    {
        await using var cluster = await WriterCluster.StartAsync(replicas: 0);
        var e = await Assert.ThrowsAnyAsync<Exception>(() => cluster.StartWriterAsync("writer-1", (key, value)));
        Assert.Contains(names, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Woodpecker:Reader:MaxReader", "1", "Woodpecker:Reader:MaxReader is no setting")]
    [InlineData("Woodpecker:Reader:MaxReaders", "0", "MaxReaders")]
    [InlineData("Woodpecker:Reader:MaxWaitSeconds", "1m", "Woodpecker:Reader:MaxWaitSeconds")]
    public async Task AReader_DoesNotStart_AndNamesTheSetting(string key, string value, string names)
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(() => ReaderHost.StartAsync((key, value)));
        Assert.Contains(names, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACompactor_DoesNotStart_WithAKeyThatIsNoSetting()
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(() => CompactorHost.StartAsync(LogMode.QuorumBuffer, ("Woodpecker:Compactor:PassMillis", "1")));
        Assert.Contains("Woodpecker:Compactor:PassMillis is no setting", e.Message, StringComparison.Ordinal);
    }

    /// <summary>The programs as they ship: one sentence on standard error and exit code 1.</summary>
    [Theory]
    [InlineData("reader", "ConnectionStrings__metadata", "etcd", "'etcd' in ConnectionStrings:metadata is not an address of etcd")]
    [InlineData("reader", "ConnectionStrings__metadata", "", "ConnectionStrings:metadata is missing")]
    [InlineData("writer", "ConnectionStrings__objects", "ftp://host/x", "has the scheme 'ftp'")]
    [InlineData("replica", "Woodpecker__Journal__FileBytes", "8388608", "Woodpecker:Journal:FileBytes is 8388608")]
    [InlineData("compactor", "Woodpecker__Endpoints__AppPort", "http", "Woodpecker:Endpoints:AppPort is 'http'")]
    public async Task AProgram_EndsWithOneSentence(string service, string variable, string value, string names)
    {
        var folder = Directory.CreateTempSubdirectory("wp-start-");
        try
        {
            using var process = Process.Start(Describe(service, folder.FullName, (variable, value)))!;
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
            try
            {
                var error = process.StandardError.ReadToEndAsync(limit.Token);
                var output = process.StandardOutput.ReadToEndAsync(limit.Token);
                await process.WaitForExitAsync(limit.Token);
                var said = await error;
                await output;
                Assert.StartsWith("This service cannot start: ", said, StringComparison.Ordinal);
                Assert.Contains(names, said, StringComparison.Ordinal);
                Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
                Assert.Equal(1, process.ExitCode);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory] // section 13
    [InlineData("writer")]
    [InlineData("reader")]
    [InlineData("replica")]
    [InlineData("compactor")]
    public async Task AServiceWithoutItsStores_StaysUp_AndItsHealthSaysWhatItWaitsFor(string service)
    {
        var folder = Directory.CreateTempSubdirectory("wp-start-");
        var port = FindFreePort();
        var start = Describe(service, folder.FullName, ("Woodpecker__Endpoints__InternalPort", port.ToString(CultureInfo.InvariantCulture)));
        start.Environment["ConnectionStrings__objects"] = "s3://bucket?endpoint=http://127.0.0.1:1&region=x";
        start.Environment["AWS_ACCESS_KEY_ID"] = start.Environment["AWS_SECRET_ACCESS_KEY"] = "none";
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
            var told = "";
            while (!told.Contains("etcd: ", StringComparison.Ordinal) && !told.Contains("127.0.0.1:1", StringComparison.Ordinal))
            {
                if (process.HasExited)
                    Assert.Fail($"The {service} ended: {await output}{await error}");
                try
                {
                    using var answer = await http.GetAsync("health", limit.Token);
                    told = await answer.Content.ReadAsStringAsync(limit.Token);
                    Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
                }
                catch (HttpRequestException)
                {
                    // Not listening yet.
                }

                await Task.Delay(50, limit.Token);
            }

            using var alive = await http.GetAsync("alive", limit.Token);
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
            process.Kill();
            Assert.DoesNotContain("Unhandled exception", await output + await error, StringComparison.Ordinal);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task ADataDirectory_ThatCannotServe_IsToldWithItsPath_AndTheRightOneServes()
    {
        await using var world = await ReplicaWorld.CreateAsync();
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(file, "no directory");
        var link = file + "-link";
        try
        {
            await RefusesAsync("/proc/none/journal", "mkdir of '/proc/none'");
            await RefusesAsync(Path.Combine(file, "journal"), file);
            await using (var first = await ReplicaHost.StartAsync(world))
            {
                // By its name and by a link: the lock is in the directory.
                await RefusesAsync(world.JournalDirectory, $"Another process uses the data directory '{world.JournalDirectory}'");
                Directory.CreateSymbolicLink(link, world.JournalDirectory);
                await RefusesAsync(link, "Another process uses the data directory");
                Assert.NotNull(first.Store.Self.NodeId);
            }

            await using var second = await ReplicaHost.StartAsync(world, ("Woodpecker:Journal:Directory", link));
            Assert.Equal("replica-1", second.Store.Self.NodeId);
        }
        finally
        {
            File.Delete(file);
            File.Delete(link);
        }

        async Task RefusesAsync(string directory, string names)
        {
            var e = await Assert.ThrowsAsync<WoodpeckerException>(async () =>
            {
                await using var host = await ReplicaHost.StartAsync(world, ("Woodpecker:Journal:Directory", directory));
            });
            Assert.Equal(ErrorKind.Unavailable, e.Kind);
            Assert.Contains(names, e.Message, StringComparison.Ordinal);
        }
    }

    // Below the range that the system gives away by itself: by the time the process listens, nobody else has been given it.
    private static int FindFreePort()
    {
        var random = new Random();
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, random.Next(15_000, 30_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }

    // Everything that can be right is right, so that only the wrong setting is told.
    private static ProcessStartInfo Describe(string service, string folder, (string Key, string Value) wrong)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(ProgramPath(service));
        foreach (var name in new[] { "DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT", "APP_API_TOKEN" })
            start.Environment.Remove(name);
        start.Environment["Woodpecker__Endpoints__AppPort"] = "0";
        start.Environment["Woodpecker__Endpoints__InternalPort"] = "0";
        start.Environment["Woodpecker__Transport"] = "Direct";
        start.Environment["Woodpecker__NodeId"] = service + "-1";
        start.Environment["Woodpecker__ClusterId"] = "6f1c2a00-0000-4000-8000-000000000001";
        start.Environment["Woodpecker__Journal__Directory"] = Path.Combine(folder, "journal");
        // Nobody listens there: what is wrong is told all the same.
        start.Environment["ConnectionStrings__metadata"] = "http://127.0.0.1:1";
        start.Environment["ConnectionStrings__objects"] = new Uri(Path.Combine(folder, "objects")).AbsoluteUri;
        start.Environment[wrong.Key] = wrong.Value;
        return start;
    }

    // The program from its own output folder, as it ships.
    private static string ProgramPath(string service)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var configuration = output.Parent!;
        var root = configuration.Parent!.Parent!.Parent!.Parent!;
        var assembly = "Woodpecker." + char.ToUpperInvariant(service[0]) + service[1..];
        return Path.Combine(root.FullName, "services", service, "bin", configuration.Name, output.Name, assembly + ".dll");
    }
}
