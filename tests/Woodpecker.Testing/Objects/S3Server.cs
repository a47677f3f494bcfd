using System.Diagnostics;

namespace Woodpecker.Testing.Objects;

/// <summary>
/// A real S3 server (Ceph's gateway) on loopback, started by <c>eng/s3-server/start.sh</c> and stopped when disposed,
/// also when this process dies. Holds its objects in memory.
/// </summary>
public sealed class S3Server : IAsyncDisposable
{
    private const string Missing =
        "No real S3 server: radosgw, ceph-mon or ceph-osd is not on PATH; run eng/s3-server/install.sh.";
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(120);

    private readonly string _folder;
    private readonly Dictionary<string, string> _facts;

    private S3Server(string folder, Dictionary<string, string> facts) => (_folder, _facts) = (folder, facts);

    /// <summary>Where it answers.</summary>
    public Uri Url => new(_facts["S3_URL"]);

    /// <summary>The one bucket.</summary>
    public string Bucket => _facts["S3_BUCKET"];

    /// <summary>Key and secret every request is signed with.</summary>
    public (string Key, string Secret) Credentials => (_facts["AWS_ACCESS_KEY_ID"], _facts["AWS_SECRET_ACCESS_KEY"]);

    /// <summary>A connection string of object storage below a prefix of the bucket.</summary>
    public string ConnectionString(string prefix) =>
        $"s3://{Bucket}/{prefix}?endpoint={Url.ToString().TrimEnd('/')}&region=us-east-1&pathStyle=true";

    /// <summary>Starts a server; skips the test where none is installed, unless <c>WOODPECKER_REQUIRE_REAL</c> names s3.</summary>
    public static async Task<S3Server> StartAsync()
    {
        if (!OnPath("radosgw") || !OnPath("ceph-mon") || !OnPath("ceph-osd"))
        {
            var required = (Environment.GetEnvironmentVariable("WOODPECKER_REQUIRE_REAL") ?? "").Split(',');
            Assert.False(required.Contains("s3"), Missing);
            Assert.Skip(Missing);
        }

        var folder = Path.Combine(Directory.CreateTempSubdirectory("woodpecker-s3-").FullName, "server");
        var (exitCode, output) = await RunAsync("start.sh", folder);
        Assert.True(exitCode == 0, $"eng/s3-server/start.sh failed:\n{output}");
        return new S3Server(folder, output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split('=', 2))
            .Where(static pair => pair.Length == 2)
            .ToDictionary(static pair => pair[0], static pair => pair[1]));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await RunAsync("stop.sh", _folder);
        Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
    }

    private static bool OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, program)));

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
        using var limit = new CancellationTokenSource(_startLimit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await errors);
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Directory.Packages.props")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return folder;
    }
}
