using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

public static class ResourceExtensions
{
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    public static bool TryGetAnnotationsOfType<T>(
        this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        var found = resource.Annotations.OfType<T>().ToArray();
        result = found.Length > 0 ? found : null;
        return result is not null;
    }

    public static bool HasAnnotationOfType<T>(this IResource resource) where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        return resource.Annotations.OfType<T>().Any();
    }

    public static bool TryGetEndpoints(this IResource resource,
        [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints) =>
        resource.TryGetAnnotationsOfType(out endpoints);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        resource.TryGetAnnotationsOfType<EndpointAnnotation>(out var endpoints)
            ? endpoints.Select(e => new EndpointReference(resource, e))
            : [];

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName) =>
        resource.GetEndpoints().FirstOrDefault(e =>
            string.Equals(e.EndpointName, endpointName, StringComparison.OrdinalIgnoreCase))
        ?? new EndpointReference(resource, endpointName);

    /// <summary>Always 1: this host starts one process per resource.</summary>
    public static int GetReplicaCount(this IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return 1;
    }

    internal static IResource? Parent(this IResource resource) =>
        resource is IResourceWithParent child
            ? child.Parent
            : resource.Annotations.OfType<ResourceRelationshipAnnotation>()
                .LastOrDefault(r => r.Type == KnownRelationshipTypes.Parent)?.Resource;

    internal static IEnumerable<WaitAnnotation> Waits(this IResource resource) =>
        resource.Annotations.OfType<WaitAnnotation>();
}
