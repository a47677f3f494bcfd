namespace Woodpecker.Reading;

/// <summary>What asking a source brought, as far as it decides what to do next.</summary>
public enum SourceAnswer
{
    /// <summary>At least one visible entry.</summary>
    Entries,

    /// <summary>Nothing visible at the offset yet, and the segment is not sealed.</summary>
    NotYet,

    /// <summary>The source says that the segment ended before the offset.</summary>
    EndOfSegment,

    /// <summary>The source has less than the sealed end: a short copy (V3).</summary>
    Short,

    /// <summary>The source's bytes failed a check.</summary>
    Corrupt,

    /// <summary>The source did not answer, or cannot tell: nothing is learned.</summary>
    Unavailable,

    /// <summary>A published object is not there (404).</summary>
    Missing,
}
