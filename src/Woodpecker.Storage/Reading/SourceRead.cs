using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>What a source of a segment answered to "from this offset on", after every check of its bytes.</summary>
/// <param name="Answer">How it ended.</param>
/// <param name="Entries">
/// For Entries: verified, contiguous, the first one at the offset asked for; may reach past the visible end, which the
/// caller cuts off.
/// </param>
/// <param name="LastVisible">
/// The last entry of the segment that readers may see, by this source; <see cref="EntryId.None"/> if it said nothing.
/// </param>
/// <param name="Detail">For failures: who and what, for people.</param>
public readonly record struct SourceRead(
    SourceAnswer Answer, IReadOnlyList<LogEntry> Entries, EntryId LastVisible, string Detail)
{
    /// <summary>At least one entry.</summary>
    public static SourceRead Of(IReadOnlyList<LogEntry> entries, EntryId lastVisible)
    {
        Invariant.Check(entries.Count > 0, "V2");
        return new SourceRead(SourceAnswer.Entries, entries, lastVisible, "");
    }

    /// <summary>Nothing at the offset yet.</summary>
    public static SourceRead NotYet(EntryId lastVisible) => new(SourceAnswer.NotYet, [], lastVisible, "");

    /// <summary>The segment ended before the offset, by this source.</summary>
    public static SourceRead EndOfSegment(EntryId lastVisible) => new(SourceAnswer.EndOfSegment, [], lastVisible, "");

    /// <summary>No entries, for the reason.</summary>
    public static SourceRead Failed(SourceAnswer answer, string detail) => new(answer, [], EntryId.None, detail);
}
