using Woodpecker.Reading;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Reading;

/// <summary>Short ways to write down what metadata shows.</summary>
internal static class Views
{
    public static readonly ReplicaId[] Ensemble =
    [
        new("replica-1", Guid.Parse("00000000-0000-0000-0000-000000000001"), 0),
        new("replica-2", Guid.Parse("00000000-0000-0000-0000-000000000002"), 0),
        new("replica-3", Guid.Parse("00000000-0000-0000-0000-000000000003"), 0),
    ];

    public static ReadSegment Open(ulong id, ulong start) => Segment(id, id, SegmentState.Open, start, null);

    public static ReadSegment Sealed(ulong id, ulong start, ulong end, ulong? lostEnd = null)
    {
        var segment = Segment(id, id, SegmentState.Sealed, start, end);
        return lostEnd is { } lost ? segment with { Span = segment.Span with { LostEnd = new Offset(lost) } } : segment;
    }

    public static ReadSegment Published(ulong id, ulong start, ulong end, string key = "m", ulong? last = null) =>
        Segment(id, last ?? id, SegmentState.Compacted, start, end) with { ManifestKey = key };

    public static LogView Of(params ReadSegment[] segments) => Of(0, segments);

    public static LogView Of(ulong firstAvailable, params ReadSegment[] segments) =>
        new(new LogId(7), 1, isDeleted: false, new Offset(firstAvailable), segments);

    private static ReadSegment Segment(ulong first, ulong last, SegmentState state, ulong start, ulong? end) => new()
    {
        Span = new SegmentSpan(
            new SegmentId(first), new SegmentId(last), state, new Offset(start), end is { } e ? new Offset(e) : null),
        Mode = LogMode.QuorumBuffer,
        Epoch = new LogEpoch(1),
        Members = Ensemble,
    };
}
