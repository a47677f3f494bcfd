namespace Aspire.Hosting.ApplicationModel;

internal sealed record UrlForEndpointAnnotation(string EndpointName,
    Action<ResourceUrlAnnotation> Callback) : IResourceAnnotation;
