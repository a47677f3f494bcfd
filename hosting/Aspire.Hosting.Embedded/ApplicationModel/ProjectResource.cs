namespace Aspire.Hosting.ApplicationModel;

/// <summary>A .NET project; its <see cref="IProjectMetadata"/> annotation says where it is.</summary>
public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs,
    IResourceWithServiceDiscovery, IResourceWithWaitSupport;
