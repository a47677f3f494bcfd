using System.Diagnostics;
using Amazon.Runtime;
using Woodpecker.Storage.S3;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>A real S3 server for the tests of this assembly, started by <c>eng/s3-server</c> when the first test asks for it.</summary>
public sealed class ObjectStoreS3Server : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);

    private readonly SemaphoreSlim _start = new(1);
    private string? _folder;
    private Dictionary<string, string>? _facts;
    private int _lastPrefix;

    /// <summary>Options for a store of its own below a fresh prefix; skips the test if there is no server.</summary>
    public async ValueTask<S3ObjectStoreOptions> OptionsAsync()
    {
        var facts = await StartAsync();
        return new S3ObjectStoreOptions
        {
            Bucket = facts["S3_BUCKET"],
            Prefix = $"test/{Interlocked.Increment(ref _lastPrefix)}",
            Endpoint = new Uri(facts["S3_URL"]),
            Region = "us-east-1",
            UsePathStyle = true,
            Credentials = new BasicAWSCredentials(facts["AWS_ACCESS_KEY_ID"], facts["AWS_SECRET_ACCESS_KEY"]),
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_folder is not null)
        {
            await RunAsync("stop.sh", _folder);
            Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
        }

        _start.Dispose();
    }

    private async ValueTask<Dictionary<string, string>> StartAsync()
    {
        await _start.WaitAsync();
        try
        {
            if (_facts is not null)
                return _facts;
            if (!OnPath("radosgw") || !OnPath("ceph-mon") || !OnPath("ceph-osd"))
            {
                const string Missing = "No real S3 server: radosgw, ceph-mon or ceph-osd is not on PATH; run eng/s3-server/install.sh.";
                var required = (Environment.GetEnvironmentVariable("WOODPECKER_REQUIRE_REAL") ?? "").Split(',');
                Assert.False(required.Contains("s3"), Missing);
                Assert.Skip(Missing);
            }

            Assert.True(_folder is null, "The real S3 server could not be started; the first test that needed it says why.");
            _folder = Path.Combine(Directory.CreateTempSubdirectory("woodpecker-s3-").FullName, "server");
            var (exitCode, output) = await RunAsync("start.sh", _folder);
            Assert.True(exitCode == 0, $"eng/s3-server/start.sh failed:\n{output}");
            return _facts = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static line => line.Split('=', 2))
                .Where(static pair => pair.Length == 2)
                .ToDictionary(static pair => pair[0], static pair => pair[1]);
        }
        finally
        {
            _start.Release();
        }
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static async Task<(int ExitCode, string Output)> RunAsync(string script, string folder)
    {
        var start = new ProcessStartInfo(Path.Combine(RepositoryRoot(), "eng", "s3-server", script))
        {
            ArgumentList = { folder },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OWNER_PID"] = $"{Environment.ProcessId}";
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(StartLimit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await errors);
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Directory.Packages.props")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
        return folder;
    }
}
