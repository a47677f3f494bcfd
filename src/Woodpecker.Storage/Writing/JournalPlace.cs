using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Writing;

/// <summary>The embedded mode: every segment lives in the one store of this process (n = Qa = 1).</summary>
/// <param name="store">The store; owned by the caller.</param>
/// <param name="time">Pauses while the store is full.</param>
public sealed class JournalPlace(ReplicaStore store, TimeProvider time) : ISegmentPlace
{
    /// <inheritdoc/>
    public LogMode Mode => LogMode.QuorumBuffer;

    /// <inheritdoc/>
    public Durability Durability => Durability.Disk1;

    /// <inheritdoc/>
    public SendWindow? Window => null;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(
        SegmentKey segment, CancellationToken cancellationToken) =>
        new([store.Self]);

    /// <inheritdoc/>
    public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener) =>
        new JournalSink(opening, store, listener, time);

    /// <summary>The member of a segment, for <see cref="EnsembleRecovery"/> with a quorum of one.</summary>
    public IEnsemble OpenEnsemble(SegmentKey segment, IReadOnlyList<ReplicaId> members) =>
        new JournalEnsemble(segment, members, store);
}
