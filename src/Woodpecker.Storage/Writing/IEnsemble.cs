using Woodpecker.Recovery;

namespace Woodpecker.Storage.Writing;

/// <summary>A member's answer to a fence, with the segment header it holds.</summary>
/// <param name="Reply">The reply; null if the member refused because it promised a higher epoch.</param>
/// <param name="Header">The header as Format wrote it; empty if not held.</param>
/// <param name="Promised">The higher epoch, if it refused.</param>
public sealed record MemberFence(FenceReply? Reply, ReadOnlyMemory<byte> Header, LogEpoch Promised);

/// <summary>
/// The members of one segment as a recoverer sees them: over the network, or in process. The caller has its own
/// deadlines.
/// </summary>
/// <remarks>
/// Threads: any; calls to different members run in parallel.
/// Errors:  <see cref="WoodpeckerException"/>: Unavailable when the member does not answer or is another store
///          (unknown,
///          never "absent": R1, T3), Fenced when it promised a higher epoch, Corrupt when its bytes fail their checks.
/// </remarks>
public interface IEnsemble : IAsyncDisposable
{
    /// <summary>The segment.</summary>
    SegmentKey Segment { get; }

    /// <summary>The ensemble, as metadata names it.</summary>
    IReadOnlyList<ReplicaId> Members { get; }

    /// <summary>Fences a member (R5); the reply counts only because of it.</summary>
    ValueTask<MemberFence> FenceAsync(int member, LogEpoch epoch, CancellationToken cancellationToken);

    /// <summary>
    /// Whole frames that cover the entries, in order. The first may begin earlier. Bytes are the receiver's.
    /// </summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        int member, LogEpoch epoch, EntryId firstEntry, EntryId lastEntry, CancellationToken cancellationToken);

    /// <summary>Copies header (if the member lacks it) and frames to a fenced member (R6).</summary>
    /// <returns>What is durable there afterwards.</returns>
    ValueTask<EntryId> CopyToAsync(
        int member,
        LogEpoch epoch,
        ReadOnlyMemory<byte> header,
        IAsyncEnumerable<ReadOnlyMemory<byte>> frames,
        CancellationToken cancellationToken);

    /// <summary>Tells a member the segment's end (R7).</summary>
    ValueTask SealAsync(
        int member, LogEpoch epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken);
}
