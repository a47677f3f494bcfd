namespace Woodpecker.Storage.Writing;

/// <summary>An open segment as its sink needs to know it.</summary>
/// <param name="Key">Log and segment.</param>
/// <param name="Epoch">The writing epoch.</param>
/// <param name="BaseOffset">Offset of entry 0.</param>
/// <param name="Members">The ensemble; empty in MemoryBuffer.</param>
/// <param name="Header">The segment header as Format wrote it.</param>
public sealed record SegmentOpening(
    SegmentKey Key, LogEpoch Epoch, Offset BaseOffset, IReadOnlyList<ReplicaId> Members, ReadOnlyMemory<byte> Header);

/// <summary>Where the segments of a log's mode live: chooses their members, opens their sinks.</summary>
/// <remarks>Threads: any.</remarks>
public interface ISegmentPlace
{
    /// <summary>The mode this place serves.</summary>
    LogMode Mode { get; }

    /// <summary>What an Ok of this place means.</summary>
    Durability Durability { get; }

    /// <summary>Size of frames under backlog, in bytes; null for the session's own.</summary>
    int? TargetFrameSize { get; }

    /// <summary>Chooses the members of the next segment (W11).</summary>
    /// <exception cref="WoodpeckerException">Unavailable (QuorumUnavailable): too few nodes answer.</exception>
    ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(SegmentKey segment, CancellationToken cancellationToken);

    /// <summary>Opens the sink of a segment whose opening transaction is known to have succeeded (INV-36).</summary>
    ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener);
}
