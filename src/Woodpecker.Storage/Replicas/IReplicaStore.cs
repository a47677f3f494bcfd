using Woodpecker.Recovery;
using Woodpecker.Replicas;

namespace Woodpecker.Storage.Replicas;

/// <summary>Answer to a message that a replica journals: what is durable now, or a refusal.</summary>
/// <param name="DurableEntry">The segment is durable up to and including this entry (None acknowledges a header).</param>
/// <param name="Refusal">Set if it was refused.</param>
public readonly record struct ReplicaAnswer(EntryId DurableEntry, ReplicaRefusal? Refusal)
{
    /// <summary>Durable up to the entry.</summary>
    public static ReplicaAnswer Durable(EntryId entry) => new(entry, null);

    /// <summary>Refused.</summary>
    public static ReplicaAnswer Refused(ReplicaRefusal refusal) => new(EntryId.None, refusal);
}

/// <summary>Answer to a fence.</summary>
/// <param name="Reply">Made after the promise and everything before it were durable (R5); null if refused.</param>
/// <param name="Header">The segment header held, as Format wrote it; empty if none.</param>
/// <param name="Refusal">Set if it was refused.</param>
public readonly record struct FenceAnswer(FenceReply? Reply, ReadOnlyMemory<byte> Header, ReplicaRefusal? Refusal);

/// <summary>The kinds of answer to a tail read.</summary>
public enum TailAnswer
{
    /// <summary>Frames, at least one.</summary>
    Frames,

    /// <summary>Nothing visible at the entry yet.</summary>
    NotYet,

    /// <summary>The entry lies past the sealed end.</summary>
    SealedEnd,

    /// <summary>This store does not hold what would answer: unknown to the caller, never "absent".</summary>
    Refused,
}

/// <summary>What a tail read found.</summary>
/// <param name="Answer">Which answer.</param>
/// <param name="Frames">Whole frames, verified as they left the journal; the first may begin before the entry asked for. Owned by the receiver.</param>
/// <param name="LastEntry">Highest visible entry (Frames, NotYet), the sealed end (SealedEnd).</param>
/// <param name="Refusal">Set if refused.</param>
public sealed record TailRead(
    TailAnswer Answer, IReadOnlyList<ReadOnlyMemory<byte>> Frames, EntryId LastEntry, ReplicaRefusal? Refusal);

/// <summary>What the store holds of a segment, for status, reconciliation and upload.</summary>
/// <param name="Key">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="NamedGeneration">The generation of this store that its ensemble names.</param>
/// <param name="DurableEntry">End of the verified, durable prefix.</param>
/// <param name="ConfirmedEntry">Highest LAC heard of.</param>
/// <param name="SealedEntry">The sealed end, if known here.</param>
/// <param name="IsPoisoned">Whether a contradiction was met (R13).</param>
/// <param name="IsDamaged">Whether entries once held are unreadable (R11).</param>
/// <param name="Bytes">Bytes of its frames in the journal.</param>
public sealed record CopyStatus(
    SegmentKey Key,
    LogEpoch Epoch,
    uint NamedGeneration,
    EntryId DurableEntry,
    EntryId ConfirmedEntry,
    EntryId? SealedEntry,
    bool IsPoisoned,
    bool IsDamaged,
    long Bytes);

/// <summary>Why a local copy is dropped; the evidence is the caller's duty (R12).</summary>
public enum DropReason
{
    /// <summary>Its published objects were verified by this replica (U7).</summary>
    Released = 1,

    /// <summary>Metadata says Truncated or Deleting.</summary>
    Truncated = 2,

    /// <summary>The log has a tombstone.</summary>
    Deleted = 3,
}

/// <summary>
/// A replica's store: promises and segment copies over one journal. Requests are decided in the order in which they arrive
/// and answered when what they say is durable.
/// </summary>
/// <remarks>
/// Threads:   any; calls return at once, their answers come in the order of the journal. Calls of one log must be made in
///            the order they are meant.
/// Ownership: byte arguments are borrowed until the answer.
/// Bounds:    callers wait asynchronously while the journal's queue is full; a call cancelled while it waits did nothing,
///            afterwards the token is ignored.
/// Errors:    refusals are values; a failed journal makes every call answer Unavailable, then the process ends (J5).
/// </remarks>
public interface IReplicaStore : IAsyncDisposable
{
    /// <summary>This store with its present generation.</summary>
    ReplicaId Self { get; }

    /// <summary>
    /// Whether this boot formatted the store or raised its generation: metadata must know it before the first message is
    /// served (R10).
    /// </summary>
    bool MustRegister { get; }

    /// <summary>Whether the store takes messages; false once the journal failed.</summary>
    bool IsHealthy { get; }

    /// <summary>SegmentOpen (R3, R10).</summary>
    /// <param name="epoch">Epoch of the message; equals the header's.</param>
    /// <param name="namedGeneration">The generation of this store that the ensemble names.</param>
    /// <param name="header">Segment header bytes; verified here.</param>
    /// <param name="cancellationToken">Honoured until it is queued.</param>
    ValueTask<ReplicaAnswer> OpenSegmentAsync(
        LogEpoch epoch, uint namedGeneration, ReadOnlyMemory<byte> header, CancellationToken cancellationToken);

    /// <summary>Append of one frame (R3, R4); every checksum in it is verified here first.</summary>
    ValueTask<ReplicaAnswer> AppendAsync(
        SegmentKey key, LogEpoch epoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken);

    /// <summary>A LAC of the segment's writer (R8).</summary>
    void Confirm(SegmentKey key, LogEpoch epoch, EntryId lac);

    /// <summary>Fence (R5).</summary>
    /// <param name="key">The log and the segment asked about.</param>
    /// <param name="epoch">The recoverer's epoch.</param>
    /// <param name="namedGeneration">The generation of this store that the ensemble names.</param>
    /// <param name="cancellationToken">Honoured until the promise is queued.</param>
    ValueTask<FenceAnswer> FenceAsync(
        SegmentKey key, LogEpoch epoch, uint namedGeneration, CancellationToken cancellationToken);

    /// <summary>Verified frames that cover the entries, in order; the first may begin earlier.</summary>
    /// <exception cref="WoodpeckerException">Corrupt, or NotFound if not all of them are held.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        SegmentKey key, EntryId firstEntry, EntryId lastEntry, CancellationToken cancellationToken);

    /// <summary>The header of a segment as Format wrote it; null if not held.</summary>
    ReadOnlyMemory<byte>? FindHeader(SegmentKey key);

    /// <summary>The header a recoverer brings (R6, T6).</summary>
    ValueTask<ReplicaAnswer> RecoveryOpenAsync(
        LogEpoch recoveryEpoch, uint namedGeneration, ReadOnlyMemory<byte> header, CancellationToken cancellationToken);

    /// <summary>RecoveryAppend of one frame (R6).</summary>
    ValueTask<ReplicaAnswer> RecoveryAppendAsync(
        SegmentKey key, LogEpoch recoveryEpoch, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken);

    /// <summary>Seal (R7).</summary>
    /// <param name="key">The segment.</param>
    /// <param name="epoch">The sealer's epoch; null for a seal that was read from metadata.</param>
    /// <param name="lastEntry">The end.</param>
    /// <param name="chain">Chain hash at the end.</param>
    /// <param name="cancellationToken">Honoured until it is queued.</param>
    ValueTask<ReplicaAnswer> SealAsync(
        SegmentKey key, LogEpoch? epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken);

    /// <summary>Frames from an entry on, never past what readers may see here (V1); waits up to <paramref name="wait"/> for one.</summary>
    ValueTask<TailRead> ReadTailAsync(
        SegmentKey key, EntryId firstEntry, int maxBytes, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>What is held of a segment; null if its header is not held.</summary>
    CopyStatus? Describe(SegmentKey key);

    /// <summary>What is held of every segment, by log and segment.</summary>
    IReadOnlyList<CopyStatus> DescribeAll();

    /// <summary>The promised epoch of a log.</summary>
    LogEpoch PromisedEpoch(LogId log);

    /// <summary>Drops a copy on the caller's evidence (R12); dropping what is not held succeeds.</summary>
    /// <param name="key">The segment.</param>
    /// <param name="reason">Why.</param>
    /// <param name="manifestSha256">The verified manifest's SHA-256 (32 bytes), or empty.</param>
    /// <param name="cancellationToken">Honoured until it is queued.</param>
    ValueTask DropAsync(
        SegmentKey key, DropReason reason, ReadOnlyMemory<byte> manifestSha256, CancellationToken cancellationToken);
}

/// <summary>How a store asks metadata whether an epoch that far ahead was really given out (R2).</summary>
public interface IEpochVerifier
{
    /// <summary>
    /// The highest epoch that metadata knows for the log; <see cref="LogEpoch.Delete"/> if its tombstone exists; null if
    /// metadata cannot be asked now.
    /// </summary>
    ValueTask<LogEpoch?> ReadHighestEpochAsync(LogId log, CancellationToken cancellationToken);
}
