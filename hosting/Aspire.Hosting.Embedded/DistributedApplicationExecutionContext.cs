namespace Aspire.Hosting;

/// <summary>Always run mode: this host publishes nothing.</summary>
public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    private IServiceProvider? _services;

    public DistributedApplicationOperation Operation { get; } = operation;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public IServiceProvider Services
    {
        get => _services ?? throw new InvalidOperationException(
            "Services are available once the application is built.");
        internal set => _services = value;
    }
}
