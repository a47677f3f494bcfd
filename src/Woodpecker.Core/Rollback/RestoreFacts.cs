using Woodpecker.Replicas;

namespace Woodpecker.Rollback;

/// <summary>A copy of a segment that a store or the slots of an object store hold.</summary>
/// <param name="Place">The node, or "slots".</param>
/// <param name="Segment">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of entry 0.</param>
public sealed record FoundCopy(string Place, SegmentId Segment, LogEpoch Epoch, Offset BaseOffset)
{
    /// <summary>The members that its header names; empty in MemoryBuffer.</summary>
    public IReadOnlyList<ReplicaId> Ensemble { get; init; } = [];

    /// <summary>End of the verified contiguous prefix.</summary>
    public EntryId DurableEntry { get; init; } = EntryId.None;

    /// <summary>The sealed end; null if no seal was heard of.</summary>
    public EntryId? SealedEntry { get; init; }

    /// <summary>Chain at the sealed end.</summary>
    public ulong SealedChain { get; init; }

    /// <summary>Ends of frames or slots with the chain there; of an unsealed copy.</summary>
    public IReadOnlyList<ChainMark> Ends { get; init; } = [];

    /// <summary>Of slots: the slot nonce in their names; null under conditional puts.</summary>
    public ulong? SlotNonce { get; init; }

    /// <summary>Whether the store met a contradiction in it (R13): then it proves nothing but its epoch.</summary>
    public bool IsPoisoned { get; init; }
}

/// <summary>A segment in a manifest that was found among the objects.</summary>
/// <param name="Id">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of entry 0.</param>
/// <param name="LastEntry">Its end; manifests are written of sealed segments only (U1).</param>
/// <param name="Chain">Chain at the end.</param>
public readonly record struct ManifestPart(SegmentId Id, LogEpoch Epoch, Offset BaseOffset, EntryId LastEntry, ulong Chain);

/// <summary>A manifest that was found among the objects, whoever wrote it and whether it was published or not.</summary>
/// <param name="Key">Its object's key.</param>
/// <param name="Parts">The segments, gapless by id.</param>
/// <param name="IsComplete">Whether all objects that it names exist with the recorded length.</param>
public sealed record FoundManifest(string Key, IReadOnlyList<ManifestPart> Parts, bool IsComplete)
{
    /// <summary>Oldest segment.</summary>
    public SegmentId First => Parts[0].Id;

    /// <summary>Newest segment.</summary>
    public SegmentId Last => Parts[^1].Id;
}

/// <summary>Everything that is known of one log when a restore is to be accepted.</summary>
/// <param name="Log">The log.</param>
/// <param name="Known">What metadata knows; null if nothing.</param>
/// <param name="Promised">The highest promise of any store.</param>
/// <param name="Copies">Copies on stores and in slots.</param>
/// <param name="Manifests">Manifests among the objects.</param>
public sealed record RestoreFacts(
    LogId Log, KnownLog? Known, LogEpoch Promised, IReadOnlyList<FoundCopy> Copies, IReadOnlyList<FoundManifest> Manifests)
{
    /// <summary>At least as many transactions as were lost: none of them gave out more than one epoch or id.</summary>
    public ulong LostTransactions { get; init; }

    /// <summary>The chain of a segment before its first entry.</summary>
    public required Func<SegmentId, LogEpoch, Offset, ulong> StartChain { get; init; }
}
