using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Registration;

/// <summary>Registration of the object store.</summary>
public static class ObjectStoreServiceCollectionExtensions
{
    /// <summary>
    /// Registers the <see cref="IObjectStore"/> that the string names (metered, with retries) and an
    /// <see cref="ObjectStoreProbe"/> over the same store without retries; a service runs the probe before it is ready.
    /// What the string says about the store is registered as <see cref="ObjectStoreTraits"/>.
    /// </summary>
    /// <param name="services">Where to register.</param>
    /// <param name="connectionString">For example <c>file:///var/lib/woodpecker/objects</c> or <c>s3://bucket/prefix?region=eu-central-1</c>.</param>
    /// <param name="configure">Adds the schemes this process can use.</param>
    /// <exception cref="ObjectStoreException">The string is wrong: one sentence that says how.</exception>
    public static IServiceCollection AddObjectStore(
        this IServiceCollection services, string? connectionString, Action<ObjectStoreSchemes> configure)
    {
        var schemes = new ObjectStoreSchemes();
        configure(schemes);
        var connection = ObjectStoreConnection.Parse(connectionString);
        var open = schemes.Plan(connection);

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new OpenedObjectStore(open, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(static provider => provider.GetRequiredService<OpenedObjectStore>().Store);
        services.AddSingleton(connection.Traits);
        services.AddTransient(static provider => new ObjectStoreProbe(
            provider.GetRequiredService<OpenedObjectStore>().Raw,
            provider.GetRequiredService<TimeProvider>(),
            new Random(),
            provider.GetRequiredService<ObjectStoreTraits>()));
        return services;
    }

    /// <summary>The store with and without its decorators, and the meter that belongs to it.</summary>
    private sealed class OpenedObjectStore : IDisposable
    {
        private readonly Meter _meter = new(MeteredObjectStore.MeterName);

        public OpenedObjectStore(ObjectStoreOpener open, TimeProvider timeProvider)
        {
            Raw = open(timeProvider, new Random());
            Store = new RetryingObjectStore(
                new MeteredObjectStore(Raw, _meter, timeProvider), new ObjectRetryOptions(), timeProvider, new Random());
        }

        public IObjectStore Raw { get; }

        public IObjectStore Store { get; }

        public void Dispose()
        {
            (Raw as IDisposable)?.Dispose();
            _meter.Dispose();
        }
    }
}
