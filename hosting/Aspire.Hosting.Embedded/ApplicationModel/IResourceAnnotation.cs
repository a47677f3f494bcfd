namespace Aspire.Hosting.ApplicationModel;

/// <summary>A fact attached to a resource.</summary>
public interface IResourceAnnotation;
