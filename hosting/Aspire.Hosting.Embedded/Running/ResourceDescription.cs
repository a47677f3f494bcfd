using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>
/// Fills the parts of a snapshot that follow from the model: links, relationships, where the project is.
/// </summary>
internal static class ResourceDescription
{
    public static CustomResourceSnapshot Describe(IResource resource, CustomResourceSnapshot snapshot)
    {
        var described = snapshot with { Urls = Urls(resource), Relationships = Relationships(resource) };
        return resource.TryGetLastAnnotation<IProjectMetadata>(out var project)
            ? described.WithProperty(KnownProperties.ProjectPath, project.ProjectPath)
            : described;
    }

    private static ImmutableArray<UrlSnapshot> Urls(IResource resource)
    {
        var urls = ImmutableArray.CreateBuilder<UrlSnapshot>();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var link = new ResourceUrlAnnotation { Url = endpoint.AllocatedEndpoint!.UriString };
            foreach (var change in resource.Annotations.OfType<UrlForEndpointAnnotation>()
                .Where(c => c.EndpointName == endpoint.Name))
                change.Callback(link);
            urls.Add(new UrlSnapshot(endpoint.Name, link.Url, IsInternal: false));
        }

        urls.AddRange(resource.Annotations.OfType<ResourceUrlAnnotation>()
            .Select(link => new UrlSnapshot(link.DisplayText, link.Url, IsInternal: false)));
        return urls.ToImmutable();
    }

    private static ImmutableArray<RelationshipSnapshot> Relationships(IResource resource) =>
    [
        .. resource.Annotations.OfType<ResourceRelationshipAnnotation>()
            .Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type))
            .Concat(resource.Waits().Select(w => new RelationshipSnapshot(w.Resource.Name,
                KnownRelationshipTypes.WaitFor))).Distinct(),
    ];
}
