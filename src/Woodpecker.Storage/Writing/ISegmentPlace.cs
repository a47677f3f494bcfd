using Woodpecker.Segments;

namespace Woodpecker.Storage.Writing;

/// <summary>An open segment as its sink needs to know it.</summary>
/// <param name="Key">Log and segment.</param>
/// <param name="Epoch">The writing epoch.</param>
/// <param name="BaseOffset">Offset of entry 0.</param>
/// <param name="Members">The ensemble; empty in MemoryBuffer.</param>
/// <param name="Header">The segment header as Format wrote it.</param>
/// <param name="SlotNonce">Random part of its slots' names under <see cref="SlotFence.EtcdVerify"/>; else null.</param>
public sealed record SegmentOpening(
    SegmentKey Key, LogEpoch Epoch, Offset BaseOffset, IReadOnlyList<ReplicaId> Members, ReadOnlyMemory<byte> Header,
    ulong? SlotNonce = null);

/// <summary>How large frames grow and how many fly.</summary>
/// <param name="TargetFrameSize">A frame of this size goes out at once, in bytes.</param>
/// <param name="MaxUnconfirmedBytes">Frame bytes sent and not confirmed before no further frame is built.</param>
/// <param name="PipelineDepth">Frames in flight before small ones are held back to grow.</param>
public sealed record SendWindow(int TargetFrameSize, long MaxUnconfirmedBytes, int PipelineDepth);

/// <summary>Where the segments of a log's mode live: chooses their members, opens their sinks.</summary>
/// <remarks>Threads: any.</remarks>
public interface ISegmentPlace
{
    /// <summary>The mode this place serves.</summary>
    LogMode Mode { get; }

    /// <summary>What an Ok of this place means.</summary>
    Durability Durability { get; }

    /// <summary>A bound on how large and old segments of this place get; null for the log's own settings.</summary>
    RollPolicy? RollLimit => null;

    /// <summary>How frames of this place are sized and windowed; null for the session's own settings.</summary>
    SendWindow? Window { get; }

    /// <summary>Chooses the members of the next segment (W11).</summary>
    /// <exception cref="WoodpeckerException">Unavailable (QuorumUnavailable): too few nodes answer.</exception>
    ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(SegmentKey segment, CancellationToken cancellationToken);

    /// <summary>A fresh slot nonce for the next segment, where its slots need private names (B10); else null.</summary>
    ulong? NewSlotNonce() => null;

    /// <summary>Opens the sink of a segment whose opening transaction is known to have succeeded (INV-36).</summary>
    ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener);
}
