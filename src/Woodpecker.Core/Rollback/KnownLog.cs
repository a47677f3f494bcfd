using Woodpecker.Segments;

namespace Woodpecker.Rollback;

/// <summary>A segment key of metadata; a merged one covers <c>[Id .. LastSegment]</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LastSegment">The last segment it covers.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="Epoch">Its writing epoch.</param>
public sealed record KnownSegment(SegmentId Id, SegmentId LastSegment, SegmentState State, LogEpoch Epoch)
{
    /// <summary>Offset of entry 0; null while Prepared.</summary>
    public Offset? BaseOffset { get; init; }

    /// <summary>The fixed end; null while it is not sealed.</summary>
    public EntryId? LastEntry { get; init; }

    /// <summary>Chain at the end.</summary>
    public ulong? Chain { get; init; }

    /// <summary>The declared loss behind it.</summary>
    public SkippedOffsets? Lost { get; init; }

    /// <summary>Its members; empty in MemoryBuffer.</summary>
    public IReadOnlyList<ReplicaId> Ensemble { get; init; } = [];

    /// <summary>Whether all objects of its manifest exist; null if it has none.</summary>
    public bool? HasObjects { get; init; }

    /// <summary>Base offset of the segment behind it (INV-33); null until sealed.</summary>
    public Offset? NextBase => Lost is { } lost ? lost.To + 1
        : BaseOffset is { } start && LastEntry is { } last ? start + (last.Value + 1) : null;
}

/// <summary>Offsets that a declared loss skips.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The last.</param>
public readonly record struct SkippedOffsets(Offset From, Offset To);

/// <summary>A log as metadata knows it.</summary>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Segments">Its segment keys in order.</param>
public sealed record KnownLog(LogEpoch Epoch, IReadOnlyList<KnownSegment> Segments)
{
    /// <summary>Whether it has a tombstone.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>Copies of smaller epochs that metadata does not know were left behind knowingly by an accepted restore.</summary>
    public LogEpoch Floor { get; init; }
}
