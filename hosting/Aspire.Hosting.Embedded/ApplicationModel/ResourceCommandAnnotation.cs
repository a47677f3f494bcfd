namespace Aspire.Hosting.ApplicationModel;

/// <summary>A command of the resource's own, beside start, stop and restart.</summary>
public sealed class ResourceCommandAnnotation : IResourceAnnotation
{
    internal ResourceCommandAnnotation(string name, string displayName,
        Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand, string? displayDescription)
    {
        Name = name;
        DisplayName = displayName;
        ExecuteCommand = executeCommand;
        DisplayDescription = displayDescription;
    }

    public string Name { get; }

    public string DisplayName { get; }

    public string? DisplayDescription { get; }

    public Func<ExecuteCommandContext, Task<ExecuteCommandResult>> ExecuteCommand { get; }
}
