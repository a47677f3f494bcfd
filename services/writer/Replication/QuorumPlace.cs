using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>QuorumBuffer: segments live on three replicas and are confirmed by two.</summary>
internal sealed class QuorumPlace(ReplicaPool pool, ReplicationSettings settings, TimeProvider time, ILogger logger)
    : ISegmentPlace
{
    public LogMode Mode => LogMode.QuorumBuffer;

    public Durability Durability => Durability.Disk2;

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
