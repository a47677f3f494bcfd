using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Metadata.Etcd;

/// <summary>Registration of the etcd metadata store.</summary>
public static class EtcdMetadataServiceCollectionExtensions
{
    /// <summary>
    /// Registers one <see cref="EtcdMetadataStore"/> as <see cref="IMetadataStore"/> and <see cref="ILeaseStore"/>.
    /// Nothing is dialled before the first call.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="connectionString"><c>http://host:port[,http://host:port...][;prefix=name/]</c>.</param>
    /// <exception cref="ArgumentException">
    /// The string is not usable; the message is one sentence for the operator.
    /// </exception>
    public static IServiceCollection AddEtcdMetadata(this IServiceCollection services, string? connectionString)
    {
        var options = new EtcdMetadataOptions { Connection = EtcdConnectionString.Parse(connectionString) };
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new EtcdMetadataStore(options, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IMetadataStore>(static provider => provider.GetRequiredService<EtcdMetadataStore>());
        services.AddSingleton<ILeaseStore>(static provider => provider.GetRequiredService<EtcdMetadataStore>());
        return services;
    }
}
