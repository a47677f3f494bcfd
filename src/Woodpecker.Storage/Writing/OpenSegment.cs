using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Writing;

/// <summary>The segment a session writes to.</summary>
/// <param name="id">Its number.</param>
/// <param name="key">Its key as last written; compared by the transaction that seals it.</param>
/// <param name="sink">Where its frames go.</param>
/// <param name="openedAt">Timestamp of the opening, for its age.</param>
internal sealed class OpenSegment(SegmentId id, Versioned<SegmentValue> key, ISegmentSink sink, long openedAt)
{
    public SegmentId Id { get; } = id;

    public Versioned<SegmentValue> Key { get; } = key;

    public ISegmentSink Sink { get; } = sink;

    public long OpenedAt { get; } = openedAt;

    /// <summary>Frame bytes sent to it.</summary>
    public long Bytes { get; set; }

    /// <summary>Timestamp of the last frame, or of the opening.</summary>
    public long LastUsedAt { get; set; } = openedAt;
}
