namespace Aspire.Hosting.ApplicationModel;

internal sealed record InitialSnapshotAnnotation(CustomResourceSnapshot Snapshot) : IResourceAnnotation;
