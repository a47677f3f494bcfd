using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Woodpecker.Testing.Metadata;

/// <summary>
/// A running etcd or Etcd.Embedded with its own directory and free ports; can be killed, stopped and started again.
/// </summary>
public sealed class EtcdProcess : IAsyncDisposable
{
    private const int Sigterm = 15;
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(30);
    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private readonly EtcdBinary _binary;
    private readonly IReadOnlyList<string> _extraArguments;
    private readonly string _directory;
    private readonly string _peerUrl;
    private readonly StringBuilder _output = new();
    private Process? _process;

    private EtcdProcess(EtcdBinary binary, IReadOnlyList<string> extraArguments)
    {
        _binary = binary;
        _extraArguments = extraArguments;
        _directory = Directory.CreateTempSubdirectory("woodpecker-etcd-").FullName;
        var ports = FreePorts(3);
        ClientUrl = $"http://127.0.0.1:{ports[0]}";
        MetricsUrl = $"http://127.0.0.1:{ports[1]}";
        _peerUrl = $"http://127.0.0.1:{ports[2]}";
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
    }

    /// <summary>Where the API answers, and the adapter's connection string.</summary>
    public string ClientUrl { get; }

    /// <summary>Where <c>/health</c> answers.</summary>
    public string MetricsUrl { get; }

    /// <summary>The data directory; outlives restarts.</summary>
    public string DataDirectory => Path.Combine(_directory, "data");

    public bool IsEmbedded => _binary.IsEmbedded;

    /// <summary>Process id of the running server.</summary>
    public int ProcessId => (_process ?? throw new InvalidOperationException("Not running.")).Id;

    /// <summary>What the server printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts a server on an empty directory and waits until it is healthy.</summary>
    public static async Task<EtcdProcess> StartAsync(EtcdBinary binary, params IReadOnlyList<string> extraArguments)
    {
        var server = new EtcdProcess(binary, extraArguments);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server again on the same directory and ports.</summary>
    public async Task StartAgainAsync(params IReadOnlyList<string> moreArguments)
    {
        Launch(moreArguments);
        var watch = Stopwatch.StartNew();
        while (!await IsHealthyAsync())
        {
            if (_process!.HasExited || watch.Elapsed > _startLimit)
                Assert.Fail($"{_binary.FileName} did not become healthy:\n{Output}");
            await Task.Delay(20);
        }
    }

    /// <summary>Starts the server and waits for it to exit by itself.</summary>
    public async Task<int> StartExpectingExitAsync(params IReadOnlyList<string> moreArguments)
    {
        Launch(moreArguments);
        using var limit = new CancellationTokenSource(_startLimit);
        await _process!.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Whether <c>/health</c> says true.</summary>
    public async Task<bool> IsHealthyAsync()
    {
        try
        {
            return (await _http.GetStringAsync(new Uri($"{MetricsUrl}/health"))).Contains("\"true\"", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>SIGKILL: nothing is flushed or closed.</summary>
    public async Task KillAsync()
    {
        if (_process is not { HasExited: false } running)
            return;
        running.Kill();
        await running.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as an orderly shutdown.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        var running = _process ?? throw new InvalidOperationException("Not running.");
        SendSignal(running.Id, Sigterm);
        using var limit = new CancellationTokenSource(_startLimit);
        await running.WaitForExitAsync(limit.Token);
        return running.ExitCode;
    }

    /// <summary>Saves the present state: by etcdctl while the real server runs, or as a copy of the stopped embedded one.</summary>
    /// <returns>The snapshot.</returns>
    public async Task<string> SaveSnapshotAsync()
    {
        var snapshot = Path.Combine(_directory, $"snapshot-{Guid.NewGuid():N}");
        if (!IsEmbedded)
        {
            await RunToolAsync($"--endpoints={ClientUrl}", "snapshot", "save", snapshot);
            return snapshot;
        }

        await StopAsync();
        CopyFolder(DataDirectory, snapshot);
        await StartAgainAsync();
        return snapshot;
    }

    /// <summary>Kills the server and starts it with the state of a snapshot, as an operator restores it; null: with no state at all.</summary>
    public async Task RestoreSnapshotAsync(string? snapshot)
    {
        await KillAsync();
        Directory.Delete(DataDirectory, recursive: true);
        if (snapshot is not null && IsEmbedded)
            CopyFolder(snapshot, DataDirectory);
        else if (snapshot is not null)
        {
            await RunToolAsync(
                "snapshot", "restore", snapshot, $"--data-dir={DataDirectory}", "--name=wp", $"--initial-cluster=wp={_peerUrl}",
                $"--initial-advertise-peer-urls={_peerUrl}");
        }

        await StartAgainAsync();
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static async Task RunToolAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(_startLimit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"etcdctl {string.Join(' ', arguments)}: {await output}{errors}");
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        await KillAsync();
        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Launch(IReadOnlyList<string> moreArguments)
    {
        _process?.Dispose();
        var start = new ProcessStartInfo(_binary.FileName)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = _directory,
        };
        foreach (var argument in Arguments(moreArguments))
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    // The same list for both, as AppHost gives it; the short election time makes leases of one second possible.
    private IEnumerable<string> Arguments(IReadOnlyList<string> moreArguments) =>
    [
        .. _binary.FirstArguments,
        "--name=wp", $"--data-dir={DataDirectory}",
        $"--listen-client-urls={ClientUrl}", $"--advertise-client-urls={ClientUrl}", $"--listen-metrics-urls={MetricsUrl}",
        $"--listen-peer-urls={_peerUrl}", $"--initial-advertise-peer-urls={_peerUrl}", $"--initial-cluster=wp={_peerUrl}",
        "--heartbeat-interval=50", "--election-timeout=500",
        .. _extraArguments, .. moreArguments,
    ];

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            if (_output.Length < 1_000_000)
                _output.AppendLine(line.Data);
        }
    }

    private void KillAtExit(object? sender, EventArgs e)
    {
        if (_process is { HasExited: false } running)
            running.Kill();
    }

    private static List<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(static l => l.Start());
        var ports = listeners.ConvertAll(static l => ((IPEndPoint)l.LocalEndpoint).Port);
        listeners.ForEach(static l => l.Stop());
        return ports;
    }

    private static void SendSignal(int processId, int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs POSIX signals.");
        Assert.Equal(0, Kill(processId, signal));
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int processId, int signal);
}
