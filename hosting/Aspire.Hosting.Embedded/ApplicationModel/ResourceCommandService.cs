using Aspire.Hosting.Running;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// Runs start, stop, restart and a resource's own commands. A command in a wrong state fails, it does not throw.
/// </summary>
public class ResourceCommandService
{
    private readonly ApplicationOrchestrator _orchestrator;

    internal ResourceCommandService(ApplicationOrchestrator orchestrator) => _orchestrator = orchestrator;

    public Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return ExecuteCommandAsync(resource.Name, commandName, cancellationToken);
    }

    public Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(resourceId);
        ArgumentException.ThrowIfNullOrEmpty(commandName);
        return _orchestrator.ExecuteCommandAsync(resourceId, commandName, cancellationToken);
    }
}
