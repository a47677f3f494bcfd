namespace Woodpecker.Protocol.Control;

/// <summary>Body of a replica's <c>GET /control/memory</c>: what it remembers, asked while safe mode lasts.</summary>
public sealed record StoreMemory
{
    /// <summary>Name of the node.</summary>
    public required string NodeId { get; init; }

    /// <summary>Identity of the formatted store.</summary>
    public required Guid Incarnation { get; init; }

    /// <summary>The cluster.</summary>
    public required Guid ClusterId { get; init; }

    /// <summary>The highest metadata revision that the process and its store remember.</summary>
    public required long HighestRevision { get; init; }

    /// <summary>Promised epochs.</summary>
    public required IReadOnlyList<PromiseMemory> Promises { get; init; }

    /// <summary>Copies of segments.</summary>
    public required IReadOnlyList<CopyMemory> Copies { get; init; }
}

/// <summary>A promise in <see cref="StoreMemory"/>.</summary>
/// <param name="LogId">The log.</param>
/// <param name="Epoch">The promised epoch.</param>
public sealed record PromiseMemory(ulong LogId, ulong Epoch);

/// <summary>A copy in <see cref="StoreMemory"/>.</summary>
public sealed record CopyMemory
{
    /// <summary>The log.</summary>
    public required ulong LogId { get; init; }

    /// <summary>The segment.</summary>
    public required ulong SegmentId { get; init; }

    /// <summary>Its writing epoch.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Offset of its first entry.</summary>
    public required ulong BaseOffset { get; init; }

    /// <summary>The members that its header names; empty if the header is unreadable.</summary>
    public required IReadOnlyList<MemberMemory> Ensemble { get; init; }

    /// <summary>Last durable entry; -1 is none.</summary>
    public required long DurableEntry { get; init; }

    /// <summary>The sealed end, once known.</summary>
    public long? SealedEntry { get; init; }

    /// <summary>Chain at the sealed end.</summary>
    public ulong SealedChain { get; init; }

    /// <summary>Ends of frames with the chain there, of a copy that is not sealed.</summary>
    public IReadOnlyList<ChainMemory> Ends { get; init; } = [];

    /// <summary>Whether a contradiction was met in it.</summary>
    public bool IsPoisoned { get; init; }
}

/// <summary>A member of a copy's ensemble.</summary>
/// <param name="NodeId">The node.</param>
/// <param name="Incarnation">Its store.</param>
/// <param name="Generation">Its generation.</param>
public sealed record MemberMemory(string NodeId, Guid Incarnation, uint Generation);

/// <summary>The chain at an entry.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Chain">The chain there.</param>
public sealed record ChainMemory(long Entry, ulong Chain);
