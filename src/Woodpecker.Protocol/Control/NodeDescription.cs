namespace Woodpecker.Protocol.Control;

/// <summary>A replica node as <c>GET /nodes</c> shows it: what is registered, and what its store says now.</summary>
public sealed record NodeDescription
{
    /// <summary>Name of the node: its app id.</summary>
    public required string NodeId { get; init; }

    /// <summary>Identity of its formatted store.</summary>
    public Guid Incarnation { get; init; }

    /// <summary>How often the store met an unreadable record (R10).</summary>
    public uint Generation { get; init; }

    /// <summary>Failure domain; empty if none is set.</summary>
    public string Zone { get; init; } = "";

    /// <summary><c>Active</c>, <c>Draining</c>, or <c>Drained</c>: draining and holding nothing.</summary>
    public required string State { get; init; }

    /// <summary><c>healthy</c>, <c>impaired</c> (a copy is damaged or contradicts others) or <c>unreachable</c>.</summary>
    public required string Health { get; init; }

    /// <summary>Why, unless it is healthy.</summary>
    public string? Detail { get; init; }

    /// <summary>Segments with a copy here that are not sealed; absent if the node does not answer.</summary>
    public int? OpenSegments { get; init; }

    /// <summary>Sealed segments whose copy is not released yet.</summary>
    public int? SealedSegments { get; init; }

    /// <summary>Bytes of all copies.</summary>
    public long? HeldBytes { get; init; }

    /// <summary>Bytes of sealed copies that are not known to be safe in the object store.</summary>
    public long? PendingBytes { get; init; }
}
