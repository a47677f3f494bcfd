using Woodpecker.Segments;

namespace Woodpecker.Compaction;

/// <summary>What background jobs need to know of one segment key.</summary>
/// <param name="First">The key's segment.</param>
/// <param name="Last">The last segment it covers; the same unless merged.</param>
/// <param name="State">Its state.</param>
/// <param name="BaseOffset">Offset of its first entry.</param>
/// <param name="End">Offset after its last entry; null until sealed.</param>
/// <param name="StoredBytes">Bytes of its objects; 0 where not published.</param>
/// <param name="SealedAt">When it was sealed, microseconds since 1970 UTC by the sealer's clock; null until sealed.</param>
/// <param name="HasLoss">Whether a declared loss follows its entries.</param>
/// <param name="HasSlots">Whether its entries are, or were, in slots (MemoryBuffer).</param>
public readonly record struct PlannedSegment(
    SegmentId First,
    SegmentId Last,
    SegmentState State,
    Offset BaseOffset,
    Offset? End,
    long StoredBytes,
    long? SealedAt,
    bool HasLoss,
    bool HasSlots)
{
    /// <summary>Entries, as far as the end is fixed.</summary>
    public long EntryCount => End is { } end ? end - BaseOffset : 0;

    /// <summary>Whether the end is fixed and the key may be changed by jobs (X4, INV-26).</summary>
    public bool IsOpenToJobs => SegmentLifecycle.IsOpenToJobs(State);
}
