using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>References: how a resource learns where another one is.</summary>
public static partial class ResourceBuilderExtensions
{
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        return builder.WithRelationship(source.Resource, KnownRelationshipTypes.Reference).WithEnvironment(context =>
        {
            foreach (var endpoint in source.Resource.GetEndpoints())
                AddServiceEndpoint(context, endpoint);
        });
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(endpointReference);
        return builder.WithRelationship(endpointReference.Resource, KnownRelationshipTypes.Reference)
            .WithEnvironment(context => AddServiceEndpoint(context, endpointReference));
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, string name, Uri uri) where TDestination : IResourceWithEnvironment
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri)
            throw new InvalidOperationException("The uri for service reference must be absolute.");
        if (uri.AbsolutePath != "/")
            throw new InvalidOperationException("The uri absolute path must be \"/\".");
        return builder.WithEnvironment($"services__{name}__default__0", uri.ToString());
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source,
        string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        var resource = source.Resource;
        var variable = resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{connectionName ?? resource.Name}";
        return builder.WithRelationship(resource, KnownRelationshipTypes.Reference).WithEnvironment(async context =>
        {
            var value = await ConnectionStringAsync(resource, optional, context.CancellationToken)
                .ConfigureAwait(false);
            if (value is not null)
                context.EnvironmentVariables[variable] = value;
            else if (!optional)
                throw new DistributedApplicationException(
                    $"The connection string for the resource '{resource.Name}' is not available.");
        });
    }

    private static async ValueTask<string?> ConnectionStringAsync(IResourceWithConnectionString resource, bool optional,
        CancellationToken cancellationToken)
    {
        try
        {
            return await resource.GetConnectionStringAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DistributedApplicationException) when (optional)
        {
            return null;
        }
    }

    /// <summary>Both forms: <c>services__name__endpoint__0</c> and <c>NAME_ENDPOINT</c>.</summary>
    private static void AddServiceEndpoint(EnvironmentCallbackContext context, EndpointReference endpoint)
    {
        var name = endpoint.Resource.Name;
        context.EnvironmentVariables[$"services__{name}__{endpoint.EndpointName}__0"] = endpoint;
        context.EnvironmentVariables[$"{Encode(name)}_{Encode(endpoint.EndpointName)}"] = endpoint;

        static string Encode(string text) => text.Replace('-', '_').ToUpperInvariant();
    }
}
