namespace Woodpecker.AppHost.Plan;

/// <summary>What the files of a run directory hold.</summary>
internal static class RunFiles
{
    /// <summary>For people: what was chosen and why. No secret is in it.</summary>
    public static object Plan(RunPlan plan) => new
    {
        runId = plan.Directory.RunId,
        clusterId = plan.Directory.ClusterId,
        data = plan.Directory.Data,
        components = RunSummary.Lines(plan).Select(line =>
            new { component = line.Component, kind = line.Kind, reason = line.Reason }),
        services = plan.ServiceIds,
    };

    /// <summary>
    /// For tools, owner-only: where this run is reached. Tools call a service through any sidecar's HTTP or gRPC port;
    /// the tokens are what sidecars and, with <c>Transport=Direct</c>, services ask for.
    /// </summary>
    public static object Endpoints(RunPlan plan) => new
    {
        formatVersion = 1,
        runId = plan.Directory.RunId,
        hostPid = Environment.ProcessId,
        clusterId = plan.Directory.ClusterId,
        transport = plan.Options.Transport,
        maxMessageBytes = plan.Options.MaxMessageBytes,
        appApiToken = plan.AppToken,
        daprApiToken = plan.DaprToken,
        metadata = plan.Metadata.Kind == "external"
            ? plan.Options.MetadataConnectionString
            : Address(plan.Port("metadata", "client")),
        objects = plan.Objects.Kind == "external" ? plan.Options.ObjectsConnectionString
            : RunSummary.ObjectsFolder(plan),
        services = plan.ServiceIds.ToDictionary(id => id, id => new
        {
            kind = Kind(plan, id),
            app = Address(plan.AppPort(id)),
            @internal = Address(plan.InternalPort(id)),
            daprHttp = plan.IsDirect ? null : Address(plan.Port(id, "dapr-http")),
            daprGrpc = plan.IsDirect ? null : Address(plan.Port(id, "dapr-grpc")),
        }),
    };

    /// <summary>One Dapr configuration, JSON being valid YAML, with the name resolver the chosen sidecar has.</summary>
    public static object DaprConfiguration(RunPlan plan)
    {
        var dapr = Path.GetDirectoryName(plan.Directory.DaprConfig)!;
        object resolver = plan.Dapr.Kind == "process"
            ? new
            {
                component = "sqlite",
                version = "v1",
                configuration = new
                {
                    connectionString = Path.Combine(dapr, "names.db"),
                    updateInterval = "2s",
                    timeout = "1s"
                },
            }
            : new
            {
                component = "embedded.directory",
                version = "v1",
                configuration = new { path = Path.Combine(dapr, "names") }
            };
        return new
        {
            apiVersion = "dapr.io/v1alpha1",
            kind = "Configuration",
            metadata = new { name = "woodpecker-local" },
            spec = new { nameResolution = resolver },
        };
    }

    private static string Kind(RunPlan plan, string id) =>
        plan.ReplicaIds.Contains(id) ? "replica" : plan.WriterIds.Contains(id) ? "writer" : plan.ReaderIds.Contains(id)
            ? "reader" : "compactor";

    private static string Address(int port) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
