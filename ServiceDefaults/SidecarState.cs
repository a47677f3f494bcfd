using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Woodpecker.ServiceDefaults;

/// <summary>Whether the own sidecar has answered once. Cached, so the health check does no I/O.</summary>
internal sealed class SidecarState : IHealthCheck
{
    private volatile string? _waiting = "waiting for the Dapr sidecar";

    public void Waiting(string reason) => _waiting = reason;

    public void Started() => _waiting = null;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_waiting is { } reason ? HealthCheckResult.Unhealthy(reason) : HealthCheckResult.Healthy());
}
