using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Result of one health check; <c>null</c> status means not run yet.</summary>
public sealed record HealthReportSnapshot(string Name, HealthStatus? Status, string? Description,
    string? ExceptionText);
