namespace Woodpecker.Reading;

/// <summary>The kinds of answer to a read (V2): absent, not yet, unknown and corrupt are four different ones.</summary>
public enum ReadOutcomeKind
{
    /// <summary>At least one entry; a success is never empty.</summary>
    Entries,

    /// <summary>The offset is at or past the visible end; entries may come.</summary>
    NotYet,

    /// <summary>The segment ends before the offset; continue in the next one.</summary>
    EndOfSegment,

    /// <summary>The offset lies below the truncation point.</summary>
    Truncated,

    /// <summary>A copy failed its checks.</summary>
    Corrupt,

    /// <summary>The source does not answer or does not know: nothing is learned about the entries.</summary>
    Unavailable,

    /// <summary>The range is declared lost.</summary>
    DataLoss,

    /// <summary>The log was deleted.</summary>
    Deleted,
}

/// <summary>Answer of a source of entries to "from this offset on".</summary>
public sealed class ReadOutcome
{
    private ReadOutcome(ReadOutcomeKind kind) => Kind = kind;

    /// <summary>Which answer.</summary>
    public ReadOutcomeKind Kind { get; }

    /// <summary>The entries, contiguous by offset; not empty for <see cref="ReadOutcomeKind.Entries"/>.</summary>
    public IReadOnlyList<LogEntry> Entries { get; private init; } = [];

    /// <summary>
    /// Visible end (NotYet and Entries: offset after the last visible one), next segment's first offset (EndOfSegment),
    /// first available offset (Truncated), end of the lost range (DataLoss).
    /// </summary>
    public Offset Offset { get; private init; }

    /// <summary>First offset of a declared loss; meaningful for DataLoss without a <see cref="Detail"/> only.</summary>
    public Offset LostFrom { get; private init; }

    /// <summary>Who or what, for Corrupt, Unavailable and a loss that was not declared; otherwise empty.</summary>
    public string Detail { get; private init; } = "";

    /// <summary>Entries, at least one, and the visible end known with them.</summary>
    public static ReadOutcome Of(IReadOnlyList<LogEntry> entries, Offset visibleEnd)
    {
        Invariant.Check(entries.Count > 0, "V2");
        return new ReadOutcome(ReadOutcomeKind.Entries) { Entries = entries, Offset = visibleEnd };
    }

    /// <summary>Nothing at the offset yet.</summary>
    public static ReadOutcome NotYet(Offset visibleEnd) => new(ReadOutcomeKind.NotYet) { Offset = visibleEnd };

    /// <summary>The segment ended.</summary>
    public static ReadOutcome EndOfSegment(Offset next) => new(ReadOutcomeKind.EndOfSegment) { Offset = next };

    /// <summary>Truncated below the offset.</summary>
    public static ReadOutcome Truncated(Offset firstAvailable) =>
        new(ReadOutcomeKind.Truncated) { Offset = firstAvailable };

    /// <summary>A copy failed its checks at the named place.</summary>
    public static ReadOutcome Corrupt(string where) => new(ReadOutcomeKind.Corrupt) { Detail = where };

    /// <summary>The named source does not answer.</summary>
    public static ReadOutcome Unavailable(string who) => new(ReadOutcomeKind.Unavailable) { Detail = who };

    /// <summary>The offsets from <paramref name="from"/> up to the one before <paramref name="next"/> are declared lost.</summary>
    public static ReadOutcome DataLoss(Offset from, Offset next) =>
        new(ReadOutcomeKind.DataLoss) { LostFrom = from, Offset = next };

    /// <summary>
    /// Entries that metadata promises are gone, without a declaration (C3): nobody knows up to where.
    /// </summary>
    public static ReadOutcome Lost(string where) => new(ReadOutcomeKind.DataLoss) { Detail = where };

    /// <summary>The log is gone.</summary>
    public static ReadOutcome Deleted() => new(ReadOutcomeKind.Deleted);
}
