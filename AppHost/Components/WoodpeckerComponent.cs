using System.Globalization;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

internal static class WoodpeckerComponent
{
    /// <summary>
    /// One service process with its own id and sidecar. It binds its two ports by itself, so no ASPNETCORE_URLS; and it
    /// gets an environment name, without which it would be in Production.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddWoodpecker<T>(
        this IDistributedApplicationBuilder builder, string id, RunPlan plan)
        where T : IProjectMetadata, new()
    {
        var service = builder.AddProject<T>(id, launchProfileName: null)
            .WithHttpEndpoint(plan.InternalPort(id), plan.InternalPort(id), "http",
                env: "Woodpecker__Endpoints__InternalPort", isProxied: false)
            .WithHttpEndpoint(plan.AppPort(id), plan.AppPort(id), "app", env: "Woodpecker__Endpoints__AppPort",
                isProxied: false)
            .WithEndpoint("app", static e => e.Transport = "http2")
            .WithUrlForEndpoint("http", static link => link.Url += "/info")
            .WithEndpointsInEnvironment(static _ => false)
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
            .WithEnvironment("APP_API_TOKEN", plan.AppToken)
            .WithEnvironment("Woodpecker__ClusterId", plan.Directory.ClusterId)
            .WithEnvironment("Woodpecker__NodeId", id)
            .WithEnvironment("Woodpecker__Transport", plan.Options.Transport)
            .WithEnvironment("Woodpecker__Replicas", string.Join(',', plan.ReplicaIds))
            .WithEnvironment("Woodpecker__Writers", string.Join(',', plan.WriterIds))
            .WithEnvironment("Woodpecker__MaxMessageBytes",
                plan.Options.MaxMessageBytes.ToString(CultureInfo.InvariantCulture))
            .WithHttpHealthCheck("/health", endpointName: "http")
            .WithDaprSidecar(plan, new DaprSidecarOptions
            {
                AppId = id,
                AppEndpoint = "app",
                AppProtocol = "h2c",
                DaprMaxBodySize = plan.Options.MaxMessageBytes,
            });
        foreach (var (key, value) in plan.Options.ServiceValues)
            service.WithEnvironment($"Woodpecker__{key.Replace(":", "__", StringComparison.Ordinal)}", value);
        // Only Direct names the others: with Dapr, service discovery would rewrite an app id before the sidecar sees
        // it.
        foreach (var peer in plan.IsDirect ? plan.ServiceIds : [])
            service.WithEnvironment($"services__{peer}__app__0",
                string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{plan.AppPort(peer)}"));
        return service;
    }

    /// <summary>An external store has no health of ours, so only an etcd of this run is waited for.</summary>
    public static IResourceBuilder<ProjectResource> WithStores(this IResourceBuilder<ProjectResource> service,
        IResourceBuilder<IResourceWithConnectionString> metadata,
            IResourceBuilder<IResourceWithConnectionString> objects)
    {
        service.WithReference(metadata).WithReference(objects);
        return metadata.Resource is EtcdResource ? service.WaitFor(metadata) : service;
    }

    public static IResourceBuilder<ProjectResource> WithJournal(
        this IResourceBuilder<ProjectResource> replica, RunPlan plan, string id)
    {
        replica.WithEnvironment("Woodpecker__Journal__Kind", plan.Options.Journal);
        // A journal in memory writes no file, and a replica that is given a place for them refuses to start.
        return plan.Options.Journal.Equals("memory", StringComparison.OrdinalIgnoreCase)
            ? replica
            : replica.WithEnvironment("Woodpecker__Journal__Directory", Path.Combine(plan.Directory.Data, "replicas", id));
    }
}
