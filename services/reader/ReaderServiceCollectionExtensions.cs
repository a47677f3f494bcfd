using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Woodpecker.Protocol.Transport;
using Woodpecker.Reader.Http;
using Woodpecker.Reader.Tails;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Verification;

namespace Woodpecker.Reader;

/// <summary>What this service adds to the shared defaults.</summary>
internal static class ReaderServiceCollectionExtensions
{
    /// <summary>Registers options, the metadata cache, the sources of entries and the start checks.</summary>
    public static IHostApplicationBuilder AddReader(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        var configuration = builder.Configuration;
        services.AddOptions<ReaderOptions>()
            .BindConfiguration(ReaderOptions.Section)
            .RefusesUnknownKeys(configuration, ReaderOptions.Section, typeof(ReaderOptions))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton<IPeerChannels>(
            _ => new PeerChannels(TransportOptions.FromConfiguration(key => configuration[key])));
        services.AddSingleton<ClusterIdentity>();
        services.AddSingleton<ITailSource, RemoteTailSource>();
        services.AddSingleton(static provider =>
        {
            var guard = provider.GetRequiredService<TransactionRunner>().Guard;
            return new LogReaderOptions { Doubt = () => guard.Problem };
        });
        services.AddSingleton(static provider =>
            new BlockCache(provider.GetRequiredService<IOptions<ReaderOptions>>().Value.BlockCacheBytes));
        services.AddSingleton(CreateSources);
        services.AddSingleton(static provider => LogCatalog.Start(
            provider.GetRequiredService<IMetadataStore>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<LogCatalog>>(),
            provider.GetRequiredService<TransactionRunner>().Guard));
        services.AddSingleton<ReaderPool>();
        services.AddHostedService<ReaderPins>();
        services.AddSingleton(static provider => new LogVerifier(
            provider.GetRequiredService<LogCatalog>(),
            provider.GetRequiredService<IObjectStore>(),
            provider.GetRequiredService<ITailSource>(),
            provider.GetRequiredService<ClusterIdentity>().GetAsync,
            provider.GetRequiredService<LogReaderOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IIdSource>(SystemIdSource.Instance);
        services.AddSingleton<TransactionRunner>();
        services.AddClusterWatch();
        services.AddSingleton<LogTransactions>();
        services.AddSingleton<LogInquiry>();
        services.AddGrpc(static options => options.Interceptors.Add<FailureInterceptor>());
        services.AddOpenApi();
        services.AddSingleton<ReaderReadiness>();
        services.AddHostedService(static provider => provider.GetRequiredService<ReaderReadiness>());
        services.AddHealthChecks().AddCheck<ReaderReadiness>("stores", tags: [HealthTags.Ready]);
        return builder;
    }

    private static ReadSources CreateSources(IServiceProvider provider)
    {
        var store = provider.GetRequiredService<IObjectStore>();
        var cache = provider.GetRequiredService<BlockCache>();
        var cluster = provider.GetRequiredService<ClusterIdentity>();
        var meter = provider.GetRequiredService<IMeterFactory>().Create(ReadObserver.MeterName);
        return new ReadSources
        {
            Observer = new ReadObserver(meter, provider.GetRequiredService<ILogger<ReadObserver>>()),
            Tails = provider.GetRequiredService<ITailSource>(),
            Objects = new ObjectReader(store, cache, cluster.GetAsync),
            Slots = new SlotReader(store, cache, cluster.GetAsync),
        };
    }

    /// <summary>Maps the gRPC and HTTP surface and the OpenAPI document at <c>/openapi/v1.json</c>.</summary>
    public static WebApplication MapReader(this WebApplication app)
    {
        app.MapOpenApi();
        app.MapGrpcService<ReaderGrpcService>();
        app.MapReaderHttp();
        app.MapUnknownRoutes();
        return app;
    }
}
