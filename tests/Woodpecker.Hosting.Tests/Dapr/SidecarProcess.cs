using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Grpc.Net.Client;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>A running sidecar with the clients that talk to it.</summary>
internal sealed class SidecarProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int MaxLines = 200;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private readonly SidecarBinary _binary;
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private SidecarProcess(SidecarBinary binary, SidecarSettings settings)
    {
        _binary = binary;
        HttpPort = FreePort.Next();
        GrpcPort = FreePort.Next();
        AppId = settings.AppId;
        var start = new ProcessStartInfo(binary.Command) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var arg in (string[])[.. binary.Prefix, .. Arguments(settings)])
        {
            start.ArgumentList.Add(arg);
        }

        foreach (var (name, value) in settings.Environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{HttpPort}"), Timeout = TimeSpan.FromSeconds(60) };
        Grpc = GrpcChannel.ForAddress($"http://127.0.0.1:{GrpcPort}", new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
        });
    }

    public string AppId { get; }

    public int HttpPort { get; }

    public int GrpcPort { get; }

    public int Pid => _process.Id;

    public HttpClient Http { get; }

    public GrpcChannel Grpc { get; }

    public bool HasExited => _process.HasExited;

    public string Output => string.Join('\n', _lines);

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static async Task<SidecarProcess> StartAsync(SidecarBinary binary, SidecarSettings settings)
    {
        var sidecar = new SidecarProcess(binary, settings);
        try
        {
            var path = settings.WaitForApp ? "/v1.0/healthz" : "/v1.0/healthz/outbound";
            await Eventually.TrueAsync(() => sidecar.IsHealthyAsync(path), StartLimit, () => $"{settings.AppId} does not start:\n{sidecar.Output}");
            return sidecar;
        }
        catch
        {
            await sidecar.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGTERM; the caller waits for the end.</summary>
    public void Terminate() => Assert.Equal(0, Kill(_process.Id, SigTerm));

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async Task<int> WaitForExitAsync(TimeSpan limit)
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(limit);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Grpc.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        if (!_binary.IsReal)
        {
            // Callers that go away and peers that die are daily business: nothing in these tests is an error of the sidecar.
            Assert.False(_lines.Any(line => line.Contains("fail:", StringComparison.Ordinal) || line.Contains("Unhandled", StringComparison.Ordinal)), Output);
        }
    }

    private async Task<bool> IsHealthyAsync(string path)
    {
        Assert.False(_process.HasExited, $"{AppId} has ended:\n{Output}");
        try
        {
            using var response = await Http.GetAsync(new Uri(path, UriKind.Relative));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private string[] Arguments(SidecarSettings settings) =>
    [
        "--app-id", settings.AppId,
        .. settings.AppPort == 0 ? (string[])[] : ["--app-port", Text(settings.AppPort), "--app-protocol", settings.AppProtocol],
        "--app-channel-address", "127.0.0.1",
        "--dapr-http-port", Text(HttpPort), "--dapr-grpc-port", Text(GrpcPort),
        "--dapr-internal-grpc-port", Text(FreePort.Next()), "--dapr-internal-grpc-listen-address", "127.0.0.1",
        "--dapr-listen-addresses", "127.0.0.1", "--enable-metrics=false", "--enable-mtls=false",
        "--placement-host-address=", "--scheduler-host-address=", "--config", settings.ConfigFile,
        "--dapr-graceful-shutdown-seconds", "10", "--disable-init-endpoints", "config,subscribe", "--log-level", "warn",
        .. settings.More,
    ];

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
            while (_lines.Count > MaxLines)
            {
                _lines.TryDequeue(out _);
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
