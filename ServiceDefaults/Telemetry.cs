using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Woodpecker.ServiceDefaults;

/// <summary>Traces, metrics and logs by OpenTelemetry; exported only where an OTLP endpoint is configured.</summary>
internal static class Telemetry
{
    private const string OwnSources = "Woodpecker.*";

    public static void Add(IHostApplicationBuilder builder, ServiceSettings settings)
    {
        builder.Services.TryAddSingleton<StreamingRoutes>();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, builder, settings))
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter(OwnSources))
            .WithTracing(traces => traces
                .AddSource(OwnSources)
                .AddAspNetCoreInstrumentation(options => options.Filter = IsTraced)
                .AddHttpClientInstrumentation(options => options.FilterHttpRequestMessage = IsTraced));
        if (settings.OtlpEndpoint is not null)
        {
            builder.Logging.AddOpenTelemetry(logs =>
            {
                logs.IncludeFormattedMessage = true;
                logs.IncludeScopes = true;
            });
            telemetry.UseOtlpExporter();
        }
    }

    private static void Describe(ResourceBuilder resource, IHostApplicationBuilder builder, ServiceSettings settings)
    {
        // OTEL_SERVICE_NAME is read by OpenTelemetry itself; a name added here would win over it.
        if (settings.ServiceName is null)
        {
            resource.AddService(builder.Environment.ApplicationName, serviceVersion: ServiceInfo.RunningVersion);
        }
    }

    private static bool IsTraced(HttpContext context) =>
        context.Features.Get<Listener>() != Listener.Internal
        && !context.RequestServices.GetRequiredService<StreamingRoutes>().Contains(context.Request.Path);

    private static bool IsTraced(HttpRequestMessage request) =>
        request.RequestUri?.AbsolutePath.StartsWith("/v1.0/healthz", StringComparison.Ordinal) != true;
}
