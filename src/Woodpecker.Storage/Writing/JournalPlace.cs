using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Writing;

/// <summary>The embedded mode: every segment lives in the one store of this process.</summary>
/// <param name="store">The store; owned by the caller.</param>
public sealed class JournalPlace(IReplicaStore store) : ISegmentPlace
{
    /// <inheritdoc/>
    public LogMode Mode => LogMode.QuorumBuffer;

    /// <inheritdoc/>
    public Durability Durability => Durability.Disk1;

    /// <inheritdoc/>
    public int? TargetFrameSize => null;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(SegmentKey segment, CancellationToken cancellationToken) =>
        new([store.Self]);

    /// <inheritdoc/>
    public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener) => new JournalSink(opening, store, listener);

    /// <summary>The members of a segment, for recovery.</summary>
    public IEnsemble OpenEnsemble(SegmentKey segment, IReadOnlyList<ReplicaId> members) =>
        new StoreEnsemble(segment, members, nodeId => nodeId == store.Self.NodeId ? store : null);
}
