namespace Woodpecker.Protocol.Control;

/// <summary>Answer to <c>GET /cluster</c>.</summary>
public sealed record ClusterDescription
{
    /// <summary>Identity of the cluster.</summary>
    public required Guid ClusterId { get; init; }

    /// <summary>Normal or SafeMode.</summary>
    public required string State { get; init; }

    /// <summary>What proved that metadata went back to an older state.</summary>
    public string? Reason { get; init; }

    /// <summary>The process that noticed.</summary>
    public string? NoticedBy { get; init; }

    /// <summary>When, by its clock.</summary>
    public DateTimeOffset? NoticedAt { get; init; }

    /// <summary>Revision of the metadata when it was noticed.</summary>
    public long? Revision { get; init; }

    /// <summary>The highest revision that a process remembers: what lies between is lost from metadata.</summary>
    public long? SeenRevision { get; init; }

    /// <summary>In safe mode: what accepting the restore would do.</summary>
    public RestoreDescription? Restore { get; init; }

    /// <summary>In safe mode: why that cannot be told.</summary>
    public string? Problem { get; init; }
}

/// <summary>What an acceptance of restored metadata does, or did.</summary>
public sealed record RestoreDescription
{
    /// <summary>Whether it was done.</summary>
    public required bool IsDone { get; init; }

    /// <summary>The logs that change.</summary>
    public required IReadOnlyList<RestoredLog> Logs { get; init; }

    /// <summary>Replica nodes that answered.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>Replica nodes whose memory is missing, with the reason.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>What nobody holds: needs consent.</summary>
    public required IReadOnlyList<string> Losses { get; init; }

    /// <summary>What contradicts itself: nothing is restored as long as it does.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>Revisions go on above this one.</summary>
    public required long HighestRevision { get; init; }
}

/// <summary>A log in <see cref="RestoreDescription"/>.</summary>
public sealed record RestoredLog
{
    /// <summary>Its id.</summary>
    public required ulong LogId { get; init; }

    /// <summary>Its name, if it has one.</summary>
    public string? Name { get; init; }

    /// <summary>Its epoch afterwards.</summary>
    public ulong? Epoch { get; init; }

    /// <summary>What metadata lacks of it, one sentence each.</summary>
    public required IReadOnlyList<string> Lacks { get; init; }

    /// <summary>What else is worth knowing.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>Body of <c>POST /cluster/accept-restore</c>.</summary>
public sealed record AcceptRestoreBody
{
    /// <summary>Whether to do it; otherwise it is only told what would be done.</summary>
    public bool Accept { get; init; }

    /// <summary>Whether what nobody holds may be given up.</summary>
    public bool AcceptDataLoss { get; init; }

    /// <summary>Who decides.</summary>
    public string? By { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }

    /// <summary>A replica node that does not answer and is left out; no more than one.</summary>
    public IReadOnlyList<string>? Without { get; init; }

    /// <summary>Names for logs that metadata does not know any more, by log id.</summary>
    public IReadOnlyDictionary<string, string>? Names { get; init; }
}
