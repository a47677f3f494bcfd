using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Woodpecker.ServiceDefaults;

/// <summary>What every process of the system has: ports, limits, health, telemetry, the app token.</summary>
public static class ServiceDefaultsExtensions
{
    // Below the grace that the application host gives a process, so that a drain ends by itself.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Registers the two listeners, message limits, telemetry, health checks, the app token and the wait for the sidecar.
    /// </summary>
    /// <exception cref="ServiceConfigurationException">A setting is missing or wrong; the message names its key.</exception>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var settings = ServiceSettings.Read(builder.Configuration);
        var services = builder.Services;
        services.AddSingleton(settings);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, KestrelSetup>();
        services.AddSingleton<IStartupFilter, AppTokenFilter>();
        services.AddSingleton<IStartupFilter, GrpcBodyLimitFilter>();
        services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = settings.MaxMessageBytes;
            options.MaxSendMessageSize = settings.MaxMessageBytes;
            options.EnableDetailedErrors = builder.Environment.IsDevelopment();
        });
        Telemetry.Add(builder, settings);

        // A line or four per request and health probe would bury what the service itself has to say.
        foreach (var category in new[] { "Microsoft.AspNetCore", "System.Net.Http.HttpClient", "Grpc" })
            builder.Logging.AddFilter(category, LogLevel.Warning);

        // Not ready while starting is no failure; who is asked for health answers it, and the parts log their own reasons.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical);
        var health = services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [HealthTags.Live]);
        if (settings.SidecarHttpEndpoint is not null)
        {
            services.AddSingleton<SidecarState>();
            services.AddHostedService<SidecarWait>();
            health.AddCheck<SidecarState>("sidecar", tags: [HealthTags.Ready]);
        }

        return builder;
    }

    /// <summary>
    /// Serves <c>/health</c> (all checks), <c>/alive</c> (tag <c>live</c>) and <c>/info</c> on the internal port, in every
    /// environment, and nothing else there; the application's own routes exist on the app port only.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        var settings = app.Services.GetRequiredService<ServiceSettings>();
        var name = settings.ServiceName ?? app.Environment.ApplicationName;
        var info = new ServiceInfo(name, ServiceInfo.RunningVersion, settings.RunId);
        app.MapWhen(
            context => context.Features.Get<Listener>() == Listener.Internal,
            branch => InternalEndpoints.Configure(branch, info));
        return app;
    }
}
