using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => builder.AddProject(name, new TProject());

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() => builder.AddProject(name, new TProject(), launchProfileName);

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, Action<ProjectResourceOptions> configure)
        where TProject : IProjectMetadata, new()
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ProjectResourceOptions();
        configure(options);
        return builder.AddProject(name, new TProject(), options.ExcludeLaunchProfile ? null
            : options.LaunchProfileName);
    }

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, string name, string projectPath) =>
        builder.AddProject(name, projectPath, launchProfileName: null);

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, string name, string projectPath, string? launchProfileName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddProject(name, new PathMetadata(Path.GetFullPath(projectPath, builder.AppHostDirectory)),
            launchProfileName);
    }

    public static IResourceBuilder<ProjectResource> WithEndpointsInEnvironment(
        this IResourceBuilder<ProjectResource> builder, Func<EndpointAnnotation, bool> filter)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new EndpointsInEnvironmentAnnotation(filter),
            ResourceAnnotationMutationBehavior.Replace);
    }

    /// <summary>Nothing to do: there is no proxy that would forward headers.</summary>
    public static IResourceBuilder<ProjectResource> DisableForwardedHeaders(
        this IResourceBuilder<ProjectResource> builder) => builder;

    private static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, string name, IProjectMetadata metadata,
        string? launchProfileName = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (launchProfileName is not null)
        {
            throw new NotSupportedException(
                $"AddProject(\"{name}\") names the launch profile '{launchProfileName}', and "
                + "Aspire.Hosting.Embedded reads no launch profiles. Pass launchProfileName: null and say what the project needs in the model.");
        }

        return builder.AddResource(new ProjectResource(name)).WithAnnotation(metadata);
    }

    private sealed record PathMetadata(string ProjectPath) : IProjectMetadata;
}
