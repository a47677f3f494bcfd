namespace Woodpecker.Storage.Upload;

/// <summary>Why entries that were to be copied could not be.</summary>
public enum SourceFault
{
    /// <summary>The copy ends before the sealed end; another may be whole (U3).</summary>
    Short,

    /// <summary>The copy failed a check; another may be good.</summary>
    Damaged,

    /// <summary>The copy is intact but is not what was sealed: never published, an operator must look (INV-39).</summary>
    Diverged,

    /// <summary>An object that is referenced does not exist.</summary>
    Missing,
}

/// <summary>A copy that cannot be used; nothing was published.</summary>
public sealed class SourceException(SourceFault fault, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public SourceFault Fault { get; } = fault;
}
