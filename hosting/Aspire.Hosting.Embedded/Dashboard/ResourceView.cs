using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dashboard;

/// <summary>One row of the dashboard's table.</summary>
internal sealed record ResourceView(string Name, string Type, string? State, string? Health, DateTime? Started,
    DateTime? Stopped, int? ExitCode, int Restarts, int? Pid, string? Parent, IEnumerable<ResourceLink> Links,
    IEnumerable<string> Commands)
{
    public bool IsHidden { get; private init; }

    public static ResourceView From(ResourceEvent update)
    {
        var snapshot = update.Snapshot;
        var isProcess = update.Resource is ProjectResource or ExecutableResource;
        var isRunning = snapshot.State?.Text == KnownResourceStates.Running;
        string[] own = [.. update.Resource.Annotations.OfType<ResourceCommandAnnotation>().Select(c => c.Name)];
        string[] life = !isProcess ? [] : isRunning ? ["stop", "restart"]
            : KnownResourceStates.IsTerminal(snapshot.State?.Text)
            || snapshot.State?.Text == KnownResourceStates.NotStarted ? ["start"] : ["stop"];
        return new ResourceView(update.Resource.Name, snapshot.ResourceType, snapshot.State?.Text,
            snapshot.HealthStatus?.ToString(), snapshot.StartTimeStamp, snapshot.StopTimeStamp, snapshot.ExitCode,
            snapshot.Property(KnownProperties.Restarts) as int? ?? 0,
            snapshot.Property(KnownProperties.Pid) as int?, update.Resource.Parent()?.Name,
            snapshot.Urls.Select(u => new ResourceLink(u.Name, u.Url)), [.. life, .. own])
        {
            IsHidden = snapshot.IsHidden,
        };
    }
}
