namespace Woodpecker.Storage.Writing;

/// <summary>Bounds of one append in this process; at most the hard limits of the formats.</summary>
public sealed record AppendLimits
{
    /// <summary>The default bounds, which fit a sidecar's default message limit.</summary>
    public static AppendLimits Default { get; } = new();

    /// <summary>Largest payload of an entry, in bytes.</summary>
    public int MaxEntrySize { get; init; } = Limits.DefaultMaxEntrySize;

    /// <summary>Most entries of a batch.</summary>
    public int MaxBatchEntries { get; init; } = Limits.MaxBatchEntries;

    /// <summary>Largest batch, in payload bytes.</summary>
    public int MaxBatchSize { get; init; } = Limits.DefaultMaxBatchSize;

    /// <summary>Largest frame, in bytes.</summary>
    public int MaxFrameSize { get; init; } = Limits.DefaultMaxFrameSize;
}
