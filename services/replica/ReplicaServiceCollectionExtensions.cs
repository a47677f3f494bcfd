using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Woodpecker.Replica.Care;
using Woodpecker.Replica.Uploading;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Rollback;

namespace Woodpecker.Replica;

/// <summary>What this service adds to the shared defaults.</summary>
internal static class ReplicaServiceCollectionExtensions
{
    /// <summary>Registers options, the store, registration in metadata and the care for sealed segments.</summary>
    public static IHostApplicationBuilder AddReplica(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ReplicaOptions>()
            .BindConfiguration(ReplicaOptions.Section)
            .RefusesUnknownKeys(builder.Configuration, ReplicaOptions.Section + ":Journal", typeof(ReplicaOptions.JournalSettings))
            .RefusesUnknownKeys(builder.Configuration, ReplicaOptions.Section + ":Care", typeof(ReplicaOptions.CareSettings))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ReplicaOptions>, ReplicaOptionsCheck>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IIdSource>(SystemIdSource.Instance);
        services.AddSingleton<TransactionRunner>();
        services.AddClusterWatch();
        services.AddSingleton<WriterTransactions>();
        services.AddSingleton<JobTransactions>();
        services.AddSingleton<NodeTransactions>();
        services.AddSingleton<StoreAudit>();
        services.AddSingleton<IEpochAuthority, EpochAuthority>();
        services.TryAddSingleton<IReplicaMedium, ReplicaMedium>();
        services.AddSingleton<ReplicaStoreOpener>();
        services.AddSingleton<ReplicaNode>();
        services.AddHostedService(static provider => provider.GetRequiredService<ReplicaNode>());
        services.AddSingleton<ObjectStoreGate>();
        services.AddHostedService(static provider => provider.GetRequiredService<ObjectStoreGate>());
        services.AddSingleton<UploadDesk>();
        services.AddSingleton<CopyCare>();
        services.AddHostedService<CareLoop>();
        services.AddHostedService<ScrubLoop>();
        services.AddHostedService<ReplicaMetrics>();
        services.AddHostedService<DrainOnStop>();
        services.AddOptions<HostOptions>().Configure<IOptions<ReplicaOptions>>(static (host, replica) =>
        {
            // The drain of a journal in memory comes before everything else that a stop does.
            if (replica.Value.Journal.IsMemory)
                host.ShutdownTimeout += TimeSpan.FromSeconds(replica.Value.Journal.DrainSeconds);
        });
        services.AddGrpc(static options => options.Interceptors.Add<FailureInterceptor>());
        services.AddHealthChecks().AddCheck<ReplicaNode>("store", tags: [HealthTags.Ready]);
        return builder;
    }

    /// <summary>Maps the gRPC surface and the control endpoints.</summary>
    public static WebApplication MapReplica(this WebApplication app)
    {
        app.MapGrpcService<ReplicaGrpcService>();
        app.MapReplicaControl();
        app.MapUnknownRoutes();
        return app;
    }
}
