using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Running;

/// <summary>
/// Watches the health of one resource while it runs and announces the moment it is ready. Probes are dense until the
/// first success, since every wait in the model hangs on it, and get rarer with each failure afterwards.
/// </summary>
internal sealed class HealthMonitor(HealthCheckService checks, ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing, IServiceProvider services, TimeProvider time)
{
    private const int MaxBackoffSteps = 5;

    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan FailureStep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HealthyInterval = TimeSpan.FromSeconds(5);

    /// <summary>Runs until cancelled, which happens when the resource ends.</summary>
    public async Task RunAsync(IResource resource, CancellationToken cancellationToken)
    {
        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => a.Key).ToHashSet();
        var ready = false;
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var healthy = keys.Count == 0 || await ProbeAsync(resource, keys, cancellationToken).ConfigureAwait(false);
            failures = healthy ? 0 : failures + 1;
            if (healthy && !ready)
            {
                ready = true;
                await eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken)
                    .ConfigureAwait(false);
                await notifications.PublishUpdateAsync(resource, s => s with { IsReady = true }).ConfigureAwait(false);
            }

            if (keys.Count == 0)
                return;
            var pause = healthy ? HealthyInterval : ready ? FailureStep * Math.Min(MaxBackoffSteps, failures)
                : StartInterval;
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> ProbeAsync(IResource resource, HashSet<string> keys, CancellationToken cancellationToken)
    {
        var report = await checks.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken).ConfigureAwait(false);
        ImmutableArray<HealthReportSnapshot> reports =
        [
            .. keys.Select(key => report.Entries.TryGetValue(key, out var entry)
                ? new HealthReportSnapshot(key, entry.Status, entry.Description, entry.Exception?.Message)
                : new HealthReportSnapshot(key, HealthStatus.Unhealthy, "No health check is registered under this key.",
                    null)),
        ];
        await notifications.PublishUpdateAsync(resource, s => s with { HealthReports = reports }).ConfigureAwait(false);
        return reports.All(r => r.Status == HealthStatus.Healthy);
    }
}
