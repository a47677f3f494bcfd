using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// Annotations in the order in which they were added. Changed while the model is built, read afterwards.
/// </summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;
