namespace Aspire.Hosting.ApplicationModel;

/// <summary>The resource is started by command only.</summary>
public sealed class ExplicitStartupAnnotation : IResourceAnnotation;
