using Woodpecker.Segments;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>QuorumBuffer: segments live on three replicas and are confirmed by two.</summary>
internal sealed class QuorumPlace(ReplicaPool pool, ReplicationSettings settings, TimeProvider time, ILogger logger)
    : ISegmentPlace
{
    public LogMode Mode => LogMode.QuorumBuffer;

    /// <summary>Memory as soon as any registered replica keeps its journal there: an answer must not promise more (Z4).</summary>
    public Durability Durability => pool.HoldsInMemory ? Durability.Memory2 : Durability.Disk2;

    /// <summary>What only memory holds is to be in objects soon (section 21).</summary>
    public RollPolicy? RollLimit => pool.HoldsInMemory ? RollPolicy.Memory : null;

    public SendWindow? Window => null;

    public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(
        SegmentKey segment, CancellationToken cancellationToken) =>
        pool.ChooseAsync(segment, cancellationToken);

    public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener)
    {
        var sink = new QuorumSink(opening, settings, pool, listener, time, logger);
        sink.Start();
        return sink;
    }
}
