namespace Woodpecker.Segments;

/// <summary>What one segment key says about ids and offsets. A merged key covers several segments.</summary>
/// <param name="First">The key's segment.</param>
/// <param name="Last">The last segment it covers; the same unless merged.</param>
/// <param name="State">The key's state; never Prepared, which has no base.</param>
/// <param name="BaseOffset">Offset of its first entry.</param>
/// <param name="End">Offset after its last entry; null while the segment is active.</param>
/// <param name="LostEnd">First offset after a declared loss that follows the entries; null if nothing is lost.</param>
public readonly record struct SegmentSpan(
    SegmentId First, SegmentId Last, SegmentState State, Offset BaseOffset, Offset? End, Offset? LostEnd = null)
{
    /// <summary>Where the next segment begins (INV-33); null while the segment is active.</summary>
    public Offset? NextBase => LostEnd ?? End;

    /// <summary>The span of a segment that is alone in its key.</summary>
    public static SegmentSpan Of(SegmentId id, SegmentState state, Offset baseOffset, EntryId? lastEntry) =>
        new(id, id, state, baseOffset, lastEntry is { } last ? baseOffset + (last.Value + 1) : null);
}
