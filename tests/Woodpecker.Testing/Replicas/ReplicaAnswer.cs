using Woodpecker.Replicas;

namespace Woodpecker.Testing.Replicas;

/// <summary>Answer of a <see cref="MemoryReplicaStore"/>: what is durable now, or a refusal.</summary>
public readonly record struct ReplicaAnswer(EntryId DurableEntry, ReplicaRefusal? Refusal)
{
    public static ReplicaAnswer Durable(EntryId entry) => new(entry, null);

    public static ReplicaAnswer Refused(ReplicaRefusal refusal) => new(EntryId.None, refusal);
}
