using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Woodpecker.ServiceDefaults;

/// <summary>
/// Waits until the own sidecar can call out; readiness is false until then. Later failures of the sidecar are ordinary
/// call errors. <c>healthz/outbound</c> does not wait for this app, so the two cannot wait for each other.
/// </summary>
internal sealed partial class SidecarWait(
    ServiceSettings settings, SidecarState state, TimeProvider time, ILogger<SidecarWait> logger) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = ProbeLimit,
            UseProxy = false,
            ActivityHeadersPropagator = null,
        })
        { Timeout = ProbeLimit };
        var address = new Uri(settings.SidecarHttpEndpoint!, "v1.0/healthz/outbound");
        var start = time.GetTimestamp();
        var late = false;
        while (await ProbeAsync(client, address, stoppingToken) is { } problem)
        {
            state.Waiting($"the Dapr sidecar at {address.Authority} is not ready: {problem}");
            if (!late && time.GetElapsedTime(start) > Patience)
            {
                late = true;
                SidecarIsLate(address.Authority, Patience.TotalSeconds, problem);
            }

            await Task.Delay(late ? LongPause : FirstPause, time, stoppingToken);
        }

        state.Started();
        SidecarAnswered(address.Authority, time.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <summary>Null when the sidecar is ready, else why it is not.</summary>
    private static async Task<string?> ProbeAsync(HttpClient client, Uri address, CancellationToken stop)
    {
        try
        {
            using var response = await client.GetAsync(address, stop);
            return response.IsSuccessStatusCode ? null : $"HTTP {(int)response.StatusCode}";
        }
        catch (HttpRequestException e)
        {
            return e.InnerException is SocketException socket ? socket.SocketErrorCode.ToString() : e.HttpRequestError.ToString();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return "no answer in time";
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Dapr sidecar at {Address} answered after {Milliseconds:F0} ms")]
    private partial void SidecarAnswered(string address, double milliseconds);

    [LoggerMessage(2, LogLevel.Error, "Dapr sidecar at {Address} is not ready after {Seconds} s ({Problem}); still waiting, not ready until it answers")]
    private partial void SidecarIsLate(string address, double seconds, string problem);
}
