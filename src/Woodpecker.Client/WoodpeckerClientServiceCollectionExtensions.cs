using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Client;

/// <summary>Registration of the client.</summary>
public static class WoodpeckerClientServiceCollectionExtensions
{
    /// <summary>
    /// Registers one <see cref="IWoodpeckerClient"/> for the process. Nothing is dialled before the first call. By
    /// default it goes through the Dapr sidecar that <c>DAPR_GRPC_ENDPOINT</c> and <c>DAPR_HTTP_ENDPOINT</c> name.
    /// </summary>
    public static IServiceCollection AddWoodpeckerClient(
        this IServiceCollection services, Action<WoodpeckerClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IWoodpeckerClient>(_ =>
        {
            var options = new WoodpeckerClientOptions();
            configure?.Invoke(options);
            return WoodpeckerClient.Create(options);
        });
    }
}
