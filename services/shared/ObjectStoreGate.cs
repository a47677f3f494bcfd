using Microsoft.Extensions.Diagnostics.HealthChecks;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Services;

/// <summary>
/// Runs the start-up probe of the object store (U9). A store that does not answer is waited for; one that answers
/// wrongly stops the process with the probe's advice: nothing is ever downgraded silently.
/// </summary>
internal sealed partial class ObjectStoreGate(
    ObjectStoreProbe probe, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<ObjectStoreGate> logger)
    : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource<ObjectStoreCapabilities> _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _problem = "the object store has not been probed yet";

    /// <summary>What the store guarantees; waits until it is known.</summary>
    public Task<ObjectStoreCapabilities> CapabilitiesAsync(CancellationToken cancellationToken) =>
        _known.Task.WaitAsync(cancellationToken);

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_known.Task.IsCompletedSuccessfully ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(_problem));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = _firstPause;
        while (true)
        {
            try
            {
                var capabilities = await probe.RunAsync(stoppingToken);
                foreach (var note in capabilities.Notes)
                    LogNote(note);
                _known.SetResult(capabilities);
                return;
            }
            catch (ObjectStoreException e) when (e.Kind is ObjectStoreErrorKind.Unavailable or ObjectStoreErrorKind.Unknown)
            {
                _problem = $"{probe.StoreDescription} does not answer: {e.Message}";
                LogAway(_problem);
            }
            catch (ObjectStoreException e)
            {
                _problem = e.Message;
                LogUnfit(e.Message);
                Environment.ExitCode = 1;
                lifetime.StopApplication();
                return;
            }

            await Task.Delay(pause, time, stoppingToken);
            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }

    [LoggerMessage(2201, LogLevel.Information, "Object store: {Note}")]
    private partial void LogNote(string note);

    [LoggerMessage(2202, LogLevel.Warning, "The object store is away: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(2203, LogLevel.Critical, "The object store cannot be used: {Advice}")]
    private partial void LogUnfit(string advice);
}
