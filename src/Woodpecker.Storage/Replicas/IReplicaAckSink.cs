namespace Woodpecker.Storage.Replicas;

/// <summary>Hears how far segments are durable at this replica: the answering side of one writer's stream.</summary>
public interface IReplicaAckSink
{
    /// <summary>
    /// The segment is durable up to the entry, cumulatively (R4); none stands for the header alone. Called on the journal's
    /// thread: must return at once.
    /// </summary>
    void OnDurable(SegmentKey segment, LogEpoch epoch, EntryId durableEntry);
}
