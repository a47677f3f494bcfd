using Woodpecker.Storage.Journal;

namespace Woodpecker.Storage.Replicas;

/// <summary>Identity and sizes of a replica store.</summary>
public sealed record ReplicaStoreOptions
{
    /// <summary>The cluster; a store of another one is refused.</summary>
    public required Guid ClusterId { get; init; }

    /// <summary>The node's stable name.</summary>
    public required string NodeId { get; init; }

    /// <summary>The journal's sizes.</summary>
    public JournalOptions Journal { get; init; } = new();

    /// <summary>Share of the journal's capacity beyond which data is slowed down, 0 to 1 (U8).</summary>
    public double SlowDataAt { get; init; } = 0.85;

    /// <summary>Share of the journal's capacity beyond which data is refused, 0 to 1 (U8).</summary>
    public double RefuseDataAt { get; init; } = 0.95;
}
