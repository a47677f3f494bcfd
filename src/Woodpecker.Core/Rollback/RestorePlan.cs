using Woodpecker.Segments;

namespace Woodpecker.Rollback;

/// <summary>A segment key as a restore writes it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">Open, Sealed or Compacted.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of entry 0.</param>
/// <param name="Why">What proves it, for people.</param>
public sealed record RestoredSegment(SegmentId Id, SegmentState State, LogEpoch Epoch, Offset BaseOffset, string Why)
{
    /// <summary>Of a merge: the last segment it covers.</summary>
    public SegmentId? LastSegment { get; init; }

    /// <summary>Its members; empty in MemoryBuffer.</summary>
    public IReadOnlyList<ReplicaId> Ensemble { get; init; } = [];

    /// <summary>The fixed end.</summary>
    public EntryId? LastEntry { get; init; }

    /// <summary>Chain at the end.</summary>
    public ulong? Chain { get; init; }

    /// <summary>Of slots: the last one that counts; -1 is none.</summary>
    public long? LastSlot { get; init; }

    /// <summary>Of slots: the nonce in their names.</summary>
    public ulong? SlotNonce { get; init; }

    /// <summary>The loss behind it.</summary>
    public SkippedOffsets? Lost { get; init; }

    /// <summary>Key of the manifest, where the objects are the home of the data.</summary>
    public string? Manifest { get; init; }

    /// <summary>Whether its data lie in slots.</summary>
    public bool IsSlots { get; init; }
}

/// <summary>What a restore does to one log.</summary>
/// <param name="Log">The log.</param>
public sealed record RestorePlan(LogId Log)
{
    /// <summary>The epoch to write, above every one given out; null if nothing is to be done.</summary>
    public LogEpoch? Epoch { get; init; }

    /// <summary>Whether the log has to be made: metadata does not know it.</summary>
    public bool IsNew { get; init; }

    /// <summary>Whether it was deleted after the snapshot and has to be deleted again.</summary>
    public bool IsDeletion { get; init; }

    /// <summary>Whether its newest segment is not sealed: a takeover finds its end.</summary>
    public bool HasOpenEnd { get; init; }

    /// <summary>Keys to write, in order.</summary>
    public IReadOnlyList<RestoredSegment> Segments { get; init; } = [];

    /// <summary>Keys that a restored merge covers.</summary>
    public IReadOnlyList<SegmentId> Covered { get; init; } = [];

    /// <summary>The truncation point to write; null leaves it.</summary>
    public Offset? TruncateTo { get; init; }

    /// <summary>The slot mark to write under etcd-verify: segment, slot, entry; null leaves it.</summary>
    public (SegmentId Segment, long Slot, EntryId Entry)? SlotMark { get; init; }

    /// <summary>What nobody holds any more, one sentence each: needs consent.</summary>
    public IReadOnlyList<string> Losses { get; init; } = [];

    /// <summary>Contradictions that no consent resolves; empty or nothing is written.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>What else an operator should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
