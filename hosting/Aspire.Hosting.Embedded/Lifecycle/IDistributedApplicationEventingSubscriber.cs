using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.Lifecycle;

/// <summary>Registered as a service; subscribes before anything starts.</summary>
public interface IDistributedApplicationEventingSubscriber
{
    Task SubscribeAsync(IDistributedApplicationEventing eventing,
        DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken);
}
