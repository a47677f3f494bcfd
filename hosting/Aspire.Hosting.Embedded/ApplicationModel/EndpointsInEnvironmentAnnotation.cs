namespace Aspire.Hosting.ApplicationModel;

/// <summary>Which endpoints of a project become <c>ASPNETCORE_URLS</c>.</summary>
internal sealed record EndpointsInEnvironmentAnnotation(Func<EndpointAnnotation, bool> Filter) : IResourceAnnotation;
