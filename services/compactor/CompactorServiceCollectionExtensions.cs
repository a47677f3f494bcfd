using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.Compactor.Jobs;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Compactor;

/// <summary>What this service adds to the shared defaults.</summary>
internal static class CompactorServiceCollectionExtensions
{
    /// <summary>Registers options, the start-up gate and the loop.</summary>
    public static IHostApplicationBuilder AddCompactor(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<CompactorOptions>()
            .BindConfiguration(CompactorOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddOptions<CompactorTuning>()
            .BindConfiguration(CompactorOptions.Section + ":Compactor")
            .RefusesUnknownKeys(builder.Configuration, CompactorOptions.Section + ":Compactor", typeof(CompactorTuning))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IIdSource>(SystemIdSource.Instance);
        services.AddSingleton<TransactionRunner>();
        services.AddClusterWatch();
        services.AddSingleton<LogTransactions>();
        services.AddSingleton<LogWorker>();
        services.AddSingleton<ObjectStoreGate>();
        services.AddHostedService(static provider => provider.GetRequiredService<ObjectStoreGate>());
        services.AddSingleton<JobLoop>();
        services.AddHostedService(static provider => provider.GetRequiredService<JobLoop>());
        services.AddSingleton<ScrubLoop>();
        services.AddHostedService(static provider => provider.GetRequiredService<ScrubLoop>());
        services.AddHealthChecks()
            .AddCheck<ObjectStoreGate>("objects", tags: [HealthTags.Ready])
            .AddCheck<JobLoop>("metadata", tags: [HealthTags.Ready]);
        return builder;
    }

    /// <summary>Maps the control surface.</summary>
    public static WebApplication MapCompactor(this WebApplication app)
    {
        app.MapControl();
        app.MapUnknownRoutes();
        return app;
    }
}
