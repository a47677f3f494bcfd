using Microsoft.Extensions.Diagnostics.HealthChecks;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Reader;

/// <summary>
/// Ready once the metadata store has answered; checked again only until then, never by the health check itself.
/// </summary>
internal sealed partial class ReaderReadiness(
    IMetadataStore metadata, TimeProvider time, ILogger<ReaderReadiness> logger) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(250);

    private volatile string? _problem = "the metadata store has not answered yet";

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_problem is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await metadata.GetAsync(MetadataKeys.Cluster, stoppingToken);
                _problem = null;
                StoresAnswer();
                return;
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                _problem = known.Message;
            }

            await Task.Delay(_pause, time, stoppingToken);
        }
    }

    [LoggerMessage(2101, LogLevel.Information, "The metadata store answers; ready to serve reads")]
    private partial void StoresAnswer();
}
