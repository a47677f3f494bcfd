using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Services;

/// <summary>Registration of the watch over safe mode.</summary>
internal static class ClusterWatchExtensions
{
    /// <summary>Registers the watch, its transactions and its health check.</summary>
    public static IServiceCollection AddClusterWatch(this IServiceCollection services)
    {
        services.TryAddSingleton<SafeModeTransactions>();
        services.AddSingleton<ClusterWatch>();
        services.AddHostedService(static provider => provider.GetRequiredService<ClusterWatch>());
        services.AddHealthChecks().AddCheck<ClusterWatch>("cluster");
        return services;
    }
}
