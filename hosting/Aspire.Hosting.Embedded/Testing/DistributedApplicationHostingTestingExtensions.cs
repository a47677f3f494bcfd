using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public static class DistributedApplicationHostingTestingExtensions
{
    /// <summary>A client whose base address is an endpoint of a resource.</summary>
    public static HttpClient CreateHttpClient(
        this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var baseUri = app.GetEndpoint(resourceName, endpointName);
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = baseUri;
        return client;
    }

    /// <summary>The address of an endpoint; without a name the one called https, else http, else the first.</summary>
    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var resource = Find(app, resourceName);
        if (resource is not IResourceWithEndpoints owner)
            throw new InvalidOperationException($"Resource '{resourceName}' has no allocated endpoints.");
        ThrowIfNotStarted(app);
        var endpoints = owner.GetEndpoints().ToArray();
        var endpoint = endpointName is not null
            ? endpoints.FirstOrDefault(e => string.Equals(e.EndpointName, endpointName,
                StringComparison.OrdinalIgnoreCase))
            : endpoints.FirstOrDefault(e => e.EndpointName == "https") ?? endpoints.FirstOrDefault(e =>
                e.EndpointName == "http")
                ?? endpoints.FirstOrDefault();
        return endpoint is null
            ? throw new ArgumentException(
                $"Endpoint '{endpointName ?? "http"}' for resource '{resourceName}' not found.", nameof(endpointName))
            : new Uri(endpoint.Url);
    }

    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName,
        CancellationToken cancellationToken = default)
    {
        if (Find(app, resourceName) is not IResourceWithConnectionString resource)
            throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.",
                nameof(resourceName));
        ThrowIfNotStarted(app);
        return resource.GetConnectionStringAsync(cancellationToken);
    }

    private static IResource Find(DistributedApplication app, string name)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.Services.GetRequiredService<DistributedApplicationModel>()
            .Resources.TryGetByName(name, out var resource)
            ? resource
            : throw new ArgumentException($"Resource '{name}' not found.", nameof(name));
    }

    private static void ThrowIfNotStarted(DistributedApplication app)
    {
        if (!app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested)
            throw new InvalidOperationException(
                "The application must be started before resolving endpoints or connection strings.");
    }
}
