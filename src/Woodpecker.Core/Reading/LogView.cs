using Woodpecker.Segments;

namespace Woodpecker.Reading;

/// <summary>
/// A log as metadata showed it at one revision: immutable, possibly stale. Stale is safe: sealed ends never change
/// (INV-15), so an old view can only send a reader to a place that no longer answers, never past a visible end.
/// </summary>
public sealed class LogView
{
    private readonly ReadSegment[] _segments;
    private readonly SegmentMap _map;

    /// <summary>Checks that the segments are what a log may look like (INV-14, INV-33).</summary>
    /// <param name="log">The log.</param>
    /// <param name="revision">Revision of the metadata it was read at.</param>
    /// <param name="isDeleted">Whether the log is gone.</param>
    /// <param name="firstAvailable">The truncation point.</param>
    /// <param name="segments">Those that have offsets, oldest first.</param>
    /// <exception cref="WoodpeckerException">Corrupt: the segments contradict each other.</exception>
    public LogView(
        LogId log, long revision, bool isDeleted, Offset firstAvailable, IReadOnlyList<ReadSegment> segments)
    {
        ArgumentNullException.ThrowIfNull(segments);
        Log = log;
        Revision = revision;
        IsDeleted = isDeleted;
        FirstAvailable = firstAvailable;
        _segments = [.. segments];
        var spans = new SegmentSpan[_segments.Length];
        for (var i = 0; i < spans.Length; i++)
            spans[i] = _segments[i].Span;
        if (!SegmentMap.TryCreate(spans, out _map))
            throw new WoodpeckerException(ErrorKind.Corrupt, $"Metadata of log {log} has segments that do not join.");
    }

    /// <summary>The log.</summary>
    public LogId Log { get; }

    /// <summary>Revision of the metadata it was read at.</summary>
    public long Revision { get; }

    /// <summary>Whether the log is gone.</summary>
    public bool IsDeleted { get; }

    /// <summary>Everything below is truncated (D1).</summary>
    public Offset FirstAvailable { get; }

    /// <summary>The segments that have offsets, oldest first.</summary>
    public IReadOnlyList<ReadSegment> Segments => _segments;

    /// <summary>The segment that gets or may still get entries; null if the log is idle.</summary>
    public ReadSegment? ActiveSegment => _segments.Length > 0 && !_segments[^1].IsSealed ? _segments[^1] : null;

    /// <summary>Every entry before it is visible by metadata alone: the end of the sealed segments (V1).</summary>
    public Offset SealedEnd => FirstAvailable > _map.FixedEnd ? FirstAvailable : _map.FixedEnd;

    /// <summary>Where an offset lies.</summary>
    public Location Locate(Offset offset)
    {
        if (IsDeleted)
            return new Location(LocationKind.Deleted, null, offset);
        if (offset < FirstAvailable)
            return new Location(LocationKind.Truncated, null, FirstAvailable);
        var place = _map.Find(offset);
        switch (place.Kind)
        {
            case SegmentPlaceKind.Inside or SegmentPlaceKind.Active:
                var segment = _segments[place.Index];
                // Truncation comes before the states that follow it, so such a segment at an available offset is a
                // stale view.
                return segment.Span.State is SegmentState.Truncated or SegmentState.Deleting
                    ? new Location(LocationKind.Missing, segment, offset)
                    : new Location(LocationKind.Segment, segment, offset);
            case SegmentPlaceKind.Lost:
                var lost = _segments[place.Index];
                return new Location(LocationKind.Lost, lost, lost.Span.NextBase!.Value);
            case SegmentPlaceKind.AfterLast:
                return new Location(LocationKind.PastEnd, null, SealedEnd);
            default:
                return new Location(LocationKind.Missing, null, offset);
        }
    }
}
