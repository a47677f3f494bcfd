using Woodpecker.Segments;

namespace Woodpecker.Compaction;

/// <summary>The next step of a key on its way out (D2).</summary>
public enum CollectionStep
{
    /// <summary>Nothing to do.</summary>
    None,

    /// <summary>MarkTruncated: every offset of the key lies below the truncation point.</summary>
    MarkTruncated,

    /// <summary>MarkDeleting: its objects become gc records.</summary>
    MarkDeleting,

    /// <summary>DropKey, once its objects are gone.</summary>
    DropKey,
}

/// <summary>
/// Walks keys out of a log: MarkTruncated, MarkDeleting, DropKey, always whole keys, oldest first (D2). The newest key with
/// entries stays, whatever is truncated: only it is sure to tell what producers sent and which token holds (P2, T8). Pure.
/// </summary>
public static class TruncationPlanner
{
    /// <summary>The next step of a key of a live log.</summary>
    /// <param name="segments">All keys of the log, oldest first.</param>
    /// <param name="index">The key.</param>
    /// <param name="truncatedTo">The truncation point.</param>
    public static CollectionStep Next(IReadOnlyList<PlannedSegment> segments, int index, Offset truncatedTo)
    {
        ArgumentNullException.ThrowIfNull(segments);
        var segment = segments[index];
        switch (segment.State)
        {
            case SegmentState.Sealed or SegmentState.Compacted:
                var isNeeded = !HasEntriesAfter(segments, index) && !Mutation.Is(KnownMistake.NewestTruncated);
                return !isNeeded && segment.End <= truncatedTo ? CollectionStep.MarkTruncated : CollectionStep.None;
            case SegmentState.Truncated:
                return CollectionStep.MarkDeleting;
            case SegmentState.Deleting:
                // Only the oldest key goes, so that ids stay gapless (INV-14).
                return index == 0 ? CollectionStep.DropKey : CollectionStep.None;
            default:
                return CollectionStep.None;
        }
    }

    // Where entries are durable, so is the header they follow. That of a key without entries may be nowhere, and whether an
    // open one has entries metadata does not know.
    private static bool HasEntriesAfter(IReadOnlyList<PlannedSegment> segments, int index)
    {
        for (var i = segments.Count - 1; i > index; i--)
        {
            if (segments[i].EntryCount > 0)
                return true;
        }

        return false;
    }

    /// <summary>The next step of a key of a deleted log: every state may go, no key stays (D4).</summary>
    public static CollectionStep NextOfDeletedLog(SegmentState state) =>
        state == SegmentState.Deleting ? CollectionStep.DropKey : CollectionStep.MarkDeleting;
}
