using System.Globalization;
using System.Net;
using Dapr.Sidecar.Embedded.Api;
using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Forwarding;
using Dapr.Sidecar.Embedded.Invocation;
using Dapr.Sidecar.Embedded.Naming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Dapr.Sidecar.Embedded;

/// <summary>One sidecar: its listeners, its place in the name directory, its orderly end.</summary>
internal sealed partial class SidecarHost(SidecarOptions options, TimeProvider time)
{
    // All streams of a caller share one connection: a few that nobody reads must not use up its window.
    private const int StreamWindowBytes = 1024 * 1024;
    private const int ConnectionWindowBytes = 128 * StreamWindowBytes;
    private const int MaxStreamsPerConnection = 10_000;

    /// <summary>What the caller's sidecar adds to the headers of a call that is just within the limit.</summary>
    private const int AddedHeaderBytes = 4 * 1024;

    private ListenOptions? _internalListener;

    /// <summary>Runs until the process is told to stop.</summary>
    /// <exception cref="IOException">A port is taken.</exception>
    public async Task RunAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "Dapr.Sidecar.Embedded" });
        Configure(builder);
        await using var app = builder.Build();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Dapr.Sidecar.Embedded");
        foreach (var warning in options.Warnings)
        {
            Ignored(logger, warning);
        }

        using var tracer = OpenTracer();
        var services = app.Services;
        var state = services.GetRequiredService<SidecarState>();
        app.Run(services.GetRequiredService<Dispatcher>().HandleAsync);
        await app.StartAsync();
        var registration = Register(services.GetRequiredService<NameDirectory>(), logger);
        registration.Start();
        state.SetListening();
        Listening(logger, options.AppId, options.HttpPort, options.GrpcPort);
        using var stopping = app.Lifetime.ApplicationStopping.Register(() => Stopping(logger, options.AppId));
        var watch = AppWatch.RunAsync(options, state, time, app.Lifetime.ApplicationStopping);
        await WaitForStopAsync(app.Lifetime);

        // Out of the directory first, so that new calls go elsewhere while those in flight end.
        await registration.DisposeAsync();
        await app.StopAsync();
        await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Configure(WebApplicationBuilder builder)
    {
        builder.WebHost.UseKestrelCore().ConfigureKestrel(ConfigureKestrel);
        builder.Logging.SetMinimumLevel(options.LogLevel)
            .AddFilter("Microsoft", LogLevel.Warning)
            // A start that fails is told in one line by the program itself.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            // Silent, so that the host makes no activity per request: CallTrace does that where one is wanted.
            .AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.None)
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
        var services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Grace);
        services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        services.AddSingleton(options).AddSingleton(time).AddSingleton(new ApiToken(options.ApiToken));
        services.AddSingleton(new NameDirectory(options.NamesDirectory, time));
        services.AddSingleton<Counters>().AddSingleton<Clients>().AddSingleton<NameResolver>().AddSingleton<SidecarState>();
        services.AddSingleton<AppChannel>().AddSingleton<Dispatcher>();
        services.AddSingleton(provider => new HttpForwarder(options.MaxBodyBytes, provider.GetRequiredService<Counters>()));
        services.AddSingleton(provider => new GrpcForwarder(
            provider.GetRequiredService<Clients>().Local, options.MaxBodyBytes, provider.GetRequiredService<Counters>()));
        services.AddSingleton<HttpEndpoint>().AddSingleton<GrpcEndpoint>().AddSingleton<InternalEndpoint>();
        services.AddSingleton<HealthApi>().AddSingleton<MetadataApi>().AddSingleton<DaprGrpcApi>();
    }

    private void ConfigureKestrel(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.RequestHeaderEncodingSelector = static _ => System.Text.Encoding.UTF8;
        kestrel.ResponseHeaderEncodingSelector = static _ => System.Text.Encoding.UTF8;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes + AddedHeaderBytes;
        limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
        limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        limits.Http2.MaxRequestHeaderFieldSize = options.MaxHeaderBytes + AddedHeaderBytes;

        foreach (var address in options.ListenAddresses)
        {
            Listen(kestrel, new(address, options.HttpPort), Port.HttpApi, HttpProtocols.Http1);
            Listen(kestrel, new(address, options.GrpcPort), Port.GrpcApi, HttpProtocols.Http2);
        }

        _internalListener = Listen(kestrel, new(options.InternalAddress, options.InternalPort), Port.Internal, HttpProtocols.Http2);
        if (options.PublicPort != 0)
        {
            Listen(kestrel, new(options.PublicAddress, options.PublicPort), Port.Public, HttpProtocols.Http1);
        }

        if (options.MetricsPort != 0)
        {
            Listen(kestrel, new(options.MetricsAddress, options.MetricsPort), Port.Metrics, HttpProtocols.Http1);
        }
    }

    private static ListenOptions Listen(KestrelServerOptions kestrel, IPEndPoint endpoint, Port port, HttpProtocols protocols)
    {
        ListenOptions? listener = null;
        var feature = new PortFeature(port);
        kestrel.Listen(endpoint, listen =>
        {
            listener = listen;
            listen.Protocols = protocols;
            listen.Use(next => connection =>
            {
                connection.Features.Set(feature);
                return next(connection);
            });
        });
        return listener!;
    }

    private NameRegistration Register(NameDirectory names, ILogger logger)
    {
        // Kestrel writes the port that it got into the options of the listener.
        var address = _internalListener!.IPEndPoint!.ToString();
        var entry = new NameEntry(
            options.AppId, options.Namespace, address, Environment.ProcessId, time.GetUtcNow(), SidecarState.RuntimeVersion);
        var instance = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return new(names, entry, instance, time, logger);
    }

    /// <summary>Null, and OpenTelemetry is not even loaded, when there is nowhere to send spans to.</summary>
    private TracerProvider? OpenTracer() => options.OtlpEndpoint is null
        ? null
        : Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService($"{options.AppId}-dapr", serviceVersion: SidecarState.RuntimeVersion))
            .AddSource(CallTrace.SourceName)
            .AddOtlpExporter()
            .Build();

    private static async Task WaitForStopAsync(IHostApplicationLifetime lifetime)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStopping.Register(stop.SetResult);
        await stop.Task;
    }

    [LoggerMessage(1, LogLevel.Warning, "{Warning}")]
    private static partial void Ignored(ILogger logger, string warning);

    [LoggerMessage(2, LogLevel.Information,
        "Embedded sidecar of {AppId}, for development only: HTTP on port {HttpPort}, gRPC on port {GrpcPort}")]
    private static partial void Listening(ILogger logger, string appId, int httpPort, int grpcPort);

    [LoggerMessage(3, LogLevel.Information, "Embedded sidecar of {AppId} is stopping")]
    private static partial void Stopping(ILogger logger, string appId);
}
