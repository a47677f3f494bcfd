using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.Protocol.Transport;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Rollback;
using Woodpecker.Writer.Control;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>What this service adds to the shared defaults.</summary>
internal static class WriterServiceCollectionExtensions
{
    /// <summary>Registers options, ownership, replication and the loops of a writer.</summary>
    public static IHostApplicationBuilder AddWriter(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        var configuration = builder.Configuration;
        services.AddOptions<WriterOptions>()
            .BindConfiguration(WriterOptions.Section)
            .RefusesUnknownKeys(configuration, WriterOptions.Section + ":Writer", typeof(WriterOptions.WriterTuning))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IIdSource>(SystemIdSource.Instance);
        services.TryAddSingleton<IPeerChannels>(
            _ => new PeerChannels(TransportOptions.FromConfiguration(key => configuration[key])));
        services.TryAddSingleton<TransactionRunner>();
        services.AddClusterWatch();
        services.TryAddSingleton<LogTransactions>();
        services.TryAddSingleton<WriterTransactions>();
        services.TryAddSingleton<LossTransactions>();
        services.TryAddSingleton<NodeTransactions>();
        services.AddSingleton<WriterNode>();
        services.AddSingleton<LogNames>();
        services.AddSingleton<LogOwnership>();
        services.AddSingleton<WriterPeers>();
        services.AddSingleton<WriterDrain>();
        services.AddSingleton<OwnerForwarder>();
        services.AddSingleton<LogEnding>();
        services.AddSingleton<LossDesk>();
        services.AddSingleton<TailTransactions>();
        services.AddSingleton<TailCheck>();
        services.AddSingleton<AppendGateway>();
        services.AddSingleton<IAppendGateway>(static provider => provider.GetRequiredService<AppendGateway>());
        services.AddHostedService<WriterLoop>();
        services.AddSingleton<NodeInquiry>();
        services.AddSingleton<NodeDirectory>();
        services.AddSingleton(static provider => provider.GetRequiredService<TransactionRunner>().Guard);
        services.AddSingleton<RestoreRunner>();
        services.AddSingleton<RestoreDesk>();
        services.AddLogControl();
        services.AddGrpc(static options => options.Interceptors.Add<FailureInterceptor>());
        services.AddHealthChecks().AddCheck<WriterNode>("writer", tags: [HealthTags.Ready])
            .AddCheck<RecoveryHealth>("recovery");
        return builder;
    }

    /// <summary>Maps the gRPC and HTTP surface.</summary>
    public static WebApplication MapWriter(this WebApplication app)
    {
        app.MapGrpcService<WriterGrpcService>();
        app.MapGrpcService<WriterPeerService>();
        app.MapLogControl();
        app.MapNodeControl();
        app.MapClusterControl();
        app.MapUnknownRoutes();
        return app;
    }
}
