using Woodpecker.Recovery;
using Woodpecker.Replicas;

namespace Woodpecker.Storage.Replicas;

/// <summary>What a replica holds of a segment, at one moment.</summary>
/// <param name="Key">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of its first entry.</param>
/// <param name="DurableEntry">End of the durable prefix.</param>
/// <param name="ConfirmedEntry">Highest LAC heard of.</param>
/// <param name="VisibleEntry">Highest entry readers may see here.</param>
/// <param name="SealedEntry">The sealed end; null if open.</param>
/// <param name="SealedChain">Chain at the sealed end.</param>
/// <param name="NamedGeneration">Generation of this store in the segment's ensemble.</param>
/// <param name="IsPoisoned">Whether a contradiction was met (R13).</param>
/// <param name="IsDamaged">Whether entries are known to be unreadable (R11).</param>
/// <param name="Bytes">Bytes of frames held.</param>
public sealed record SegmentInfo(
    SegmentKey Key,
    LogEpoch Epoch,
    Offset BaseOffset,
    EntryId DurableEntry,
    EntryId ConfirmedEntry,
    EntryId VisibleEntry,
    EntryId? SealedEntry,
    ulong SealedChain,
    uint NamedGeneration,
    bool IsPoisoned,
    bool IsDamaged,
    long Bytes);

/// <summary>Answer to a fence.</summary>
/// <param name="Reply">The reply; null if refused.</param>
/// <param name="Header">The header as it was written; empty if not held.</param>
/// <param name="Refusal">Why not, if refused.</param>
public sealed record FenceAnswer(FenceReply? Reply, ReadOnlyMemory<byte> Header, ReplicaRefusal Refusal);
