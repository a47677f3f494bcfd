using System.Globalization;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

internal static class MetadataComponent
{
    /// <summary>
    /// The metadata store: an external one by its connection string, or an etcd of this run. Its health is asked on the
    /// metrics port, which real and embedded etcd both serve in HTTP/1.1.
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddMetadata(
        this IDistributedApplicationBuilder builder, string name, RunPlan plan)
    {
        if (plan.Metadata.Kind == "external")
            return builder.AddConnectionString(name);
        var isProcess = plan.Metadata.Kind == "process";
        var etcd = new EtcdResource(name, isProcess ? plan.Metadata.Program! : "dotnet", plan.Directory.Data);
        var client = plan.Port(name, "client");
        var metrics = plan.Port(name, "metrics");
        return builder.AddResource(etcd)
            .WithEndpoint(client, client, "http", EtcdResource.ClientEndpoint, isProxied: false)
            .WithEndpoint(metrics, metrics, "http", EtcdResource.MetricsEndpoint, isProxied: false)
            .WithEndpoint(EtcdResource.ClientEndpoint, static e => e.Transport = "http2")
            .WithArgs(isProcess ? [] : ["exec", HostedTools.Etcd])
            .WithArgs(Arguments(plan, name))
            .WithHttpHealthCheck("/health", endpointName: EtcdResource.MetricsEndpoint);
    }

    private static string[] Arguments(RunPlan plan, string name)
    {
        var client = Url(plan.Port(name, "client"));
        var peer = Url(plan.Port(name, "peer"));
        string[] arguments =
        [
            "--name", "wp",
            "--data-dir", Path.Combine(plan.Directory.Data, "metadata"),
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-metrics-urls", Url(plan.Port(name, "metrics")),
            "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer,
            "--initial-cluster", $"wp={peer}",
            "--auto-compaction-mode=revision",
            "--auto-compaction-retention=10000",
            "--quota-backend-bytes=536870912",
        ];
        return plan.Options.IsMemoryProfile ? [.. arguments, "--unsafe-no-fsync"] : arguments;
    }

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
