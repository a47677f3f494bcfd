using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class CustomResourceExtensions
{
    public static IResourceBuilder<TResource> WithInitialState<TResource>(this IResourceBuilder<TResource> builder,
        CustomResourceSnapshot initialSnapshot) where TResource : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new InitialSnapshotAnnotation(initialSnapshot),
            ResourceAnnotationMutationBehavior.Replace);
    }
}
