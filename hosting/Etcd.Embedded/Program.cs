using System.Net;
using Etcd.Embedded;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Local;

const int BadFlag = 2;
const int CannotStart = 1;
const int NotHere = 64;

ServerOptions options;
try
{
    options = CommandLine.Parse(args);
}
catch (FormatException problem)
{
    Console.Error.WriteLine(problem.Message);
    return BadFlag;
}

if (options.ShowsVersion)
{
    Console.WriteLine($"etcd Version: {MaintenanceService.Version}");
    return 0;
}

if (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 }
    && Environment.GetEnvironmentVariable("WOODPECKER_ALLOW_EMBEDDED") != "1")
{
    Console.Error.WriteLine(
        "Etcd.Embedded is for development; in Kubernetes use a real etcd (WOODPECKER_ALLOW_EMBEDDED=1 overrides).");
    return NotHere;
}

MvccStore store;
try
{
    store = MvccStore.Open(new LocalMetadataStoreOptions
    {
        Directory = options.DataDirectory,
        SyncsWrites = options.IsSynced,
        RetainedRevisions = options.RetainedRevisions,
        MaxSize = options.Quota,
    });
}
catch (Exception problem) when (problem is MetadataException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(problem.Message);
    return CannotStart;
}

await using (store)
{
    await using var app = Build(options, store);
    try
    {
        await app.StartAsync();
    }
    catch (IOException problem)
    {
        // A port that is taken.
        Console.Error.WriteLine(problem.Message);
        return CannotStart;
    }

    app.Logger.LogWarning(
        "Etcd.Embedded {Version}, for development only: data {Directory}, clients {Url}, metrics {Metrics}, synced {IsSynced}",
        MaintenanceService.Version, options.DataDirectory, options.ClientUrl, options.MetricsUrl, options.IsSynced);
    await StopRequestedAsync(app.Lifetime);
    await app.Services.GetRequiredService<OpenStreams>().DrainAsync();
    await app.StopAsync();
}

return 0;

static WebApplication Build(ServerOptions options, MvccStore store)
{
    var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
    builder.Logging.AddSimpleConsole(static console => console.SingleLine = true).SetMinimumLevel(options.LogLevel)
        .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Error);
    builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
    {
        Listen(kestrel, options.ClientUrl, HttpProtocols.Http2);
        if (options.MetricsUrl is { } metrics)
            Listen(kestrel, metrics, HttpProtocols.Http1);
        kestrel.AddServerHeader = false;
        // Watches are long-lived calls and one client connection carries many.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 10_000;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
    });

    builder.Services.AddSingleton(options).AddSingleton(store).AddSingleton(TimeProvider.System).AddSingleton<Messages>()
        .AddSingleton<OpenStreams>();
    builder.Services.AddRoutingCore();
    builder.Services.AddGrpc(grpc =>
    {
        const int RoomForFraming = 512 * 1024;
        grpc.MaxReceiveMessageSize = options.MaxRequestBytes + RoomForFraming;
        grpc.MaxSendMessageSize = null;
        grpc.IgnoreUnknownServices = true;
        grpc.Interceptors.Add<RefusalInterceptor>();
    });
    builder.Services.AddSingleton<KvService>().AddSingleton<IServiceMethodProvider<KvService>, KvService.Provider>();
    builder.Services.AddSingleton<LeaseService>().AddSingleton<IServiceMethodProvider<LeaseService>, LeaseService.Provider>();
    builder.Services.AddSingleton<WatchService>().AddSingleton<IServiceMethodProvider<WatchService>, WatchService.Provider>();
    builder.Services.AddSingleton<MaintenanceService>()
        .AddSingleton<IServiceMethodProvider<MaintenanceService>, MaintenanceService.Provider>();
    builder.Services.AddHostedService<PeriodicCompaction>();

    var app = builder.Build();
    app.UseRouting();
    app.MapGrpcService<KvService>();
    app.MapGrpcService<LeaseService>();
    app.MapGrpcService<WatchService>();
    app.MapGrpcService<MaintenanceService>();
    app.MapUnknownServices();
    app.MapMetrics(store);
    return app;
}

static async Task StopRequestedAsync(IHostApplicationLifetime lifetime)
{
    var requested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    await using (lifetime.ApplicationStopping.Register(requested.SetResult))
        await requested.Task;
}

static void Listen(KestrelServerOptions kestrel, Uri url, HttpProtocols protocols)
{
    void Configure(ListenOptions listen) => listen.Protocols = protocols;
    if (url.Host == "localhost")
        kestrel.ListenLocalhost(url.Port, Configure);
    else
        kestrel.Listen(IPAddress.Parse(url.Host.Trim('[', ']')), url.Port, Configure);
}
