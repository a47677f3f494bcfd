using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>What every runner needs, in one place.</summary>
internal sealed record RunServices(IServiceProvider Services, ResourceNotificationService Notifications,
    ResourceLoggerService Logs, IDistributedApplicationEventing Eventing, HealthMonitor Health, LaunchSpec Launch,
    RunProcesses Processes, ILogger<DistributedApplication> Logger, TimeProvider Time)
{
    public Task UpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        Notifications.PublishUpdateAsync(resource, change);

    public DateTime Now => Time.GetUtcNow().UtcDateTime;
}
