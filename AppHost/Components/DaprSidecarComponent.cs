using System.Globalization;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

internal static class DaprSidecarComponent
{
    private const string Loopback = "127.0.0.1";

    /// <summary>
    /// Adds the sidecar of a service as a child, and tells the service where it is. The sidecar waits for what the
    /// service waits for, never for the service: it watches the app port by itself, and the service waits for it.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithDaprSidecar(
        this IResourceBuilder<ProjectResource> app, RunPlan plan, DaprSidecarOptions options)
    {
        if (plan.Dapr.Kind == "none")
            return app;
        var builder = app.ApplicationBuilder;
        var isProcess = plan.Dapr.Kind == "process";
        var id = options.AppId;
        var sidecar = builder.AddExecutable($"{id}-dapr", isProcess ? plan.Dapr.Program! : "dotnet", plan.Directory.Run,
                isProcess ? [] : ["exec", HostedTools.DaprSidecar])
            .WithPort(plan, id, "dapr-http").WithPort(plan, id, "dapr-grpc").WithPort(plan, id, "dapr-internal")
                .WithPort(plan, id, "dapr-metrics")
            .WithArgs(Arguments(plan, options))
            .WithEnvironment("APP_API_TOKEN", plan.AppToken)
            .WithEnvironment("OTEL_SERVICE_NAME", $"{id}-dapr")
            .WithHttpHealthCheck("/v1.0/healthz/outbound", statusCode: 204, endpointName: "dapr-http")
            .WithParentRelationship(app.Resource);
        app.WithEnvironment("DAPR_HTTP_PORT", Text(plan.Port(id, "dapr-http")))
            .WithEnvironment("DAPR_GRPC_PORT", Text(plan.Port(id, "dapr-grpc")))
            .WithEnvironment("DAPR_HTTP_ENDPOINT", Address(plan.Port(id, "dapr-http")))
            .WithEnvironment("DAPR_GRPC_ENDPOINT", Address(plan.Port(id, "dapr-grpc")));
        if (plan.DaprToken is { } token)
        {
            sidecar.WithEnvironment("DAPR_API_TOKEN", token);
            app.WithEnvironment("DAPR_API_TOKEN", token);
        }

        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            foreach (var wait in app.Resource.Annotations.OfType<WaitAnnotation>())
                sidecar.WithAnnotation(wait);
            return Task.CompletedTask;
        });
        return app;
    }

    private static string[] Arguments(RunPlan plan, DaprSidecarOptions options)
    {
        var id = options.AppId;
        return
        [
            "--app-id", id,
            "--app-port", Text(plan.Port(id, options.AppEndpoint)),
            "--app-protocol", options.AppProtocol,
            "--app-channel-address", Loopback,
            "--dapr-http-port", Text(plan.Port(id, "dapr-http")),
            "--dapr-grpc-port", Text(plan.Port(id, "dapr-grpc")),
            "--dapr-internal-grpc-port", Text(plan.Port(id, "dapr-internal")),
            "--dapr-internal-grpc-listen-address", Loopback,
            "--dapr-listen-addresses", Loopback, // daprd's own default is every interface.
            "--metrics-port", Text(plan.Port(id, "dapr-metrics")),
            "--metrics-listen-address", Loopback,
            "--enable-mtls=false",
            "--placement-host-address=",
            "--scheduler-host-address=",
            "--resources-path", plan.Directory.DaprResources,
            "--config", plan.Directory.DaprConfig,
            "--max-body-size", Text(options.DaprMaxBodySize),
            "--dapr-graceful-shutdown-seconds", "10",
            "--disable-init-endpoints", "config,subscribe",
            "--log-level", "warn",
        ];
    }

    private static IResourceBuilder<ExecutableResource> WithPort(
        this IResourceBuilder<ExecutableResource> sidecar, RunPlan plan, string id, string name)
    {
        var port = plan.Port(id, name);
        return sidecar.WithEndpoint(port, port, "http", name, isProxied: false);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Address(int port) => $"http://{Loopback}:{Text(port)}";
}
