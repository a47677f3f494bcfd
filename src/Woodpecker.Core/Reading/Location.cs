namespace Woodpecker.Reading;

/// <summary>How an offset lies in a <see cref="LogView"/>.</summary>
public enum LocationKind
{
    /// <summary>In a segment that has or may get it.</summary>
    Segment,

    /// <summary>At or after the end of the last segment, which is sealed: a new segment may bring it.</summary>
    PastEnd,

    /// <summary>Below the truncation point.</summary>
    Truncated,

    /// <summary>In a range declared lost.</summary>
    Lost,

    /// <summary>No segment covers it although one should: the view is stale, or metadata is damaged.</summary>
    Missing,

    /// <summary>The log is gone.</summary>
    Deleted,
}

/// <summary>Where an offset lies.</summary>
/// <param name="Kind">How.</param>
/// <param name="Segment">The segment, where there is one.</param>
/// <param name="Offset">
/// The first available offset (Truncated), the one after the range (Lost), the end (PastEnd), else the offset itself.
/// </param>
public readonly record struct Location(LocationKind Kind, ReadSegment? Segment, Offset Offset);
