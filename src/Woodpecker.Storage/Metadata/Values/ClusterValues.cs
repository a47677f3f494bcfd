namespace Woodpecker.Storage.Metadata.Values;

/// <summary>Identity of the cluster.</summary>
public sealed record ClusterValue : MetadataValue
{
    /// <summary>Carried by every message and written into every store.</summary>
    public required Guid ClusterId { get; init; }

    /// <summary>The format version that writers may use.</summary>
    public int MinFormat { get; set; } = 1;

    /// <summary>Whether metadata was found rolled back: nothing but reads until an operator accepts it.</summary>
    public bool? SafeMode { get; init; }

    /// <summary>What proved it.</summary>
    public string? SafeModeReason { get; init; }

    /// <summary>Who noticed.</summary>
    public string? SafeModeBy { get; init; }

    /// <summary>When, in microseconds since 1970 UTC by that process's clock.</summary>
    public long? SafeModeAt { get; init; }

    /// <summary>Revision of metadata when it was noticed: what was committed between it and <see cref="SeenRevision"/> is lost.</summary>
    public long? SafeModeRevision { get; init; }

    /// <summary>The highest revision that any process remembers.</summary>
    public long? SeenRevision { get; init; }
}

/// <summary>Whether a replica node takes new segments.</summary>
public enum NodeState
{
    /// <summary>Takes new segments.</summary>
    Active = 0,

    /// <summary>Serves what it has, takes no new segment.</summary>
    Draining = 1,
}

/// <summary>A replica node's store as registered at its last boot (RegisterNode).</summary>
public sealed record NodeValue : MetadataValue
{
    /// <summary>Identity of the formatted store.</summary>
    public required Guid Incarnation { get; init; }

    /// <summary>The store's generation (R10).</summary>
    public required uint Generation { get; init; }

    /// <summary>Where to invoke it.</summary>
    public required string AppId { get; init; }

    /// <summary>Failure domain; ensembles prefer different ones.</summary>
    public string Zone { get; set; } = "";

    /// <summary>Whether its journal is memory: what it acknowledged ends with its process (section 21).</summary>
    public bool? IsMemory { get; init; }

    /// <summary>Whether it takes new segments.</summary>
    public NodeState State { get; init; }

    /// <summary>Bytes sealed but not yet uploaded when last reported.</summary>
    public long? PendingBytes { get; init; }
}

/// <summary>A live process; the key is leased.</summary>
public sealed record LiveValue : MetadataValue
{
    /// <summary>Kind of the process: writer, replica, reader, compactor, embedded.</summary>
    public required string Service { get; init; }
}

/// <summary>Counter of ids never reused.</summary>
public sealed record IdCounterValue : MetadataValue
{
    /// <summary>The next id to give out.</summary>
    public required LogId Next { get; init; }
}
