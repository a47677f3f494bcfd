namespace Woodpecker.Segments;

/// <summary>
/// Offset to (segment, entry) and back over the segments of one log, immutable. Refuses spans that break the order of
/// ids and bases, so that a wrong or stale listing cannot shift offsets.
/// </summary>
public sealed class SegmentMap
{
    private readonly SegmentSpan[] _spans;

    private SegmentMap(SegmentSpan[] spans) => _spans = spans;

    /// <summary>The map of a log without segments.</summary>
    public static SegmentMap Empty { get; } = new([]);

    /// <summary>The spans, oldest first.</summary>
    public ReadOnlySpan<SegmentSpan> Spans => _spans;

    /// <summary>How many spans there are.</summary>
    public int Count => _spans.Length;

    /// <summary>Base of the oldest span: smaller offsets are gone. Zero if there is none.</summary>
    public Offset FirstOffset => _spans.Length == 0 ? Offset.Zero : _spans[0].BaseOffset;

    /// <summary>The end that is fixed so far: end of the newest span, or base of the active one.</summary>
    public Offset FixedEnd => _spans.Length == 0 ? Offset.Zero : _spans[^1].NextBase ?? _spans[^1].BaseOffset;

    /// <summary>Builds the map.</summary>
    /// <param name="spans">Oldest first, without Prepared segments.</param>
    /// <param name="map">The map.</param>
    /// <returns>
    /// False if ids have gaps, bases do not join (INV-33) or an active segment is not the last (INV-14).
    /// </returns>
    public static bool TryCreate(ReadOnlySpan<SegmentSpan> spans, out SegmentMap map)
    {
        map = Empty;
        for (var i = 0; i < spans.Length; i++)
        {
            ref readonly var span = ref spans[i];
            if (!IsSound(span))
                return false;
            if (i + 1 == spans.Length)
                break;
            if (span.NextBase is not { } next || spans[i + 1].First != span.Last.Next
                || spans[i + 1].BaseOffset != next)
                return false;
        }

        map = new SegmentMap(spans.ToArray());
        return true;
    }

    /// <summary>Where the offset lies.</summary>
    public SegmentPlace Find(Offset offset)
    {
        var index = IndexOf(offset);
        if (index < 0)
        {
            var kind = _spans.Length == 0 ? SegmentPlaceKind.AfterLast : SegmentPlaceKind.BeforeFirst;
            return new SegmentPlace(kind, -1, EntryId.None);
        }

        ref readonly var span = ref _spans[index];
        var entry = new EntryId(offset - span.BaseOffset);
        if (span.End is not { } end)
            return new SegmentPlace(SegmentPlaceKind.Active, index, entry);
        if (offset < end)
            return new SegmentPlace(SegmentPlaceKind.Inside, index, entry);
        if (span.LostEnd is { } lostEnd && offset < lostEnd)
            return new SegmentPlace(SegmentPlaceKind.Lost, index, EntryId.None);
        return new SegmentPlace(SegmentPlaceKind.AfterLast, -1, EntryId.None);
    }

    /// <summary>Offset of an entry counted from the base of the span.</summary>
    public Offset OffsetOf(int index, EntryId entry) => _spans[index].BaseOffset + entry.Value;

    private static bool IsSound(in SegmentSpan span) =>
        span.State != SegmentState.Prepared
        && span.First.Value <= span.Last.Value
        && (span.End is null) == SegmentLifecycle.IsActive(span.State)
        && (span.End is not { } end || end >= span.BaseOffset)
        && (span.LostEnd is not { } lostEnd || (span.End is { } from && lostEnd > from));

    // The last span whose base is at or below the offset: empty spans share their base with their successor.
    private int IndexOf(Offset offset)
    {
        int low = 0, high = _spans.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_spans[middle].BaseOffset <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
