using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

internal static class ObjectsComponent
{
    /// <summary>
    /// The object store, always a connection string: its scheme decides, and AppHost only passes it on.
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddObjects(
        this IDistributedApplicationBuilder builder, string name, RunPlan plan) =>
        plan.Objects.Kind == "external"
            ? builder.AddConnectionString(name)
            : builder.AddConnectionString(name, ReferenceExpression.Create($"{RunSummary.ObjectsFolder(plan)}"));
}
