using Woodpecker.Segments;

namespace Woodpecker.Reading;

/// <summary>What a reader needs to know of one segment key: the offsets it covers and where its entries live.</summary>
public sealed record ReadSegment
{
    /// <summary>Ids, state and offsets. The end is what metadata says (V1).</summary>
    public required SegmentSpan Span { get; init; }

    /// <summary>How its entries became durable.</summary>
    public required LogMode Mode { get; init; }

    /// <summary>
    /// The writing epoch: frames of another one are not this segment's. Of a merged key: of its last segment.
    /// </summary>
    public required LogEpoch Epoch { get; init; }

    /// <summary>The replicas that may hold entries; empty in MemoryBuffer and after a merge.</summary>
    public IReadOnlyList<ReplicaId> Members { get; init; } = [];

    /// <summary>
    /// Key of the published manifest; null until Compacted. Another key means other objects with the same entries (C2).
    /// </summary>
    public string? ManifestKey { get; init; }

    /// <summary>The key's segment.</summary>
    public SegmentId First => Span.First;

    /// <summary>Offset of the first entry.</summary>
    public Offset Base => Span.BaseOffset;

    /// <summary>Offset after the last entry; null until sealed.</summary>
    public Offset? End => Span.End;

    /// <summary>Whether the end is fixed.</summary>
    public bool IsSealed => Span.End is not null;

    /// <summary>Whether objects are the home of the entries.</summary>
    public bool IsPublished => ManifestKey is not null;

    /// <summary>Number of the entry at an offset of this segment.</summary>
    public EntryId EntryAt(Offset offset) => new(offset - Base);
}
