using Microsoft.Extensions.Diagnostics.HealthChecks;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>
/// Red while the recovery of a log is blocked, naming log and missing members (section 10). The writer stays ready and
/// alive: other logs are served.
/// </summary>
internal sealed class RecoveryHealth(LogOwnership ownership) : IHealthCheck
{
    private const int MaxShown = 5;

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var blocked = ownership.Blocked;
        return Task.FromResult(blocked.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(
                $"{blocked.Count} logs cannot be recovered yet: {string.Join(" ", blocked.Values.Take(MaxShown))}"));
    }
}
