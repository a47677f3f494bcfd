namespace Woodpecker.Segments;

/// <summary>How an offset lies to the known segments.</summary>
public enum SegmentPlaceKind
{
    /// <summary>Below the first known segment: truncated.</summary>
    BeforeFirst,

    /// <summary>In a segment with a fixed end.</summary>
    Inside,

    /// <summary>At or after the base of the active segment, whose end is not fixed.</summary>
    Active,

    /// <summary>In a range that was declared lost.</summary>
    Lost,

    /// <summary>At or after the end of the newest segment, and none is active.</summary>
    AfterLast,
}

/// <summary>Answer of <see cref="SegmentMap.Find"/>.</summary>
/// <param name="Kind">How the offset lies.</param>
/// <param name="Index">Index of the segment in the map for Inside, Active and Lost; otherwise -1.</param>
/// <param name="Entry">Number of the entry counted from the span's base, for Inside and Active.</param>
public readonly record struct SegmentPlace(SegmentPlaceKind Kind, int Index, EntryId Entry);
