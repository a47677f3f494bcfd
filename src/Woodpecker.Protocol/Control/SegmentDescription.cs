namespace Woodpecker.Protocol.Control;

/// <summary>One segment key of a log.</summary>
public sealed record SegmentDescription
{
    /// <summary>First segment the key covers.</summary>
    public ulong Id { get; init; }

    /// <summary>Last segment the key covers, where a merge made it more than one.</summary>
    public ulong? LastId { get; init; }

    /// <summary>Name of the segment's state.</summary>
    public required string State { get; init; }

    /// <summary>Epoch of the writer.</summary>
    public ulong Epoch { get; init; }

    /// <summary>First offset; absent for a prepared segment.</summary>
    public ulong? BaseOffset { get; init; }

    /// <summary>Entries; absent until the segment is sealed.</summary>
    public ulong? EntryCount { get; init; }

    /// <summary>What is wrong with the published objects, with the offsets it concerns; absent if nothing is known.</summary>
    public string? Damage { get; init; }

    /// <summary>App ids of the ensemble; absent for MemoryBuffer.</summary>
    public IReadOnlyList<string>? Members { get; init; }

    /// <summary>
    /// Who fixed the end: <c>Own</c>, <c>Recovery</c>, <c>RecoveryAmbiguous</c> or <c>Forced</c>; absent until sealed.
    /// </summary>
    public string? SealedBy { get; init; }

    /// <summary>Offsets after the entries that are declared lost.</summary>
    public LostOffsets? Lost { get; init; }
}
