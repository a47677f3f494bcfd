namespace Woodpecker.Client;

/// <summary>What to read of a log.</summary>
public sealed record ReadOptions
{
    /// <summary>First offset.</summary>
    public Offset From { get; init; }

    /// <summary>Entries after which the reading ends; null for no bound.</summary>
    public long? MaxEntries { get; init; }

    /// <summary>Whether to wait for entries to come instead of ending at the visible end.</summary>
    public bool Follow { get; init; }

    /// <summary>Payload bytes of one answer; 0 leaves it to the reader.</summary>
    public int MaxBatchBytes { get; init; }

    /// <summary>
    /// Whether reading goes on behind a range that is declared lost, which is told in <see cref="ReadBatch.Lost"/>;
    /// otherwise it ends with DataLoss, whose offset is where to go on.
    /// </summary>
    public bool SkipsDeclaredLoss { get; init; }

    /// <summary>How long reconnecting is tried without a single answer; then the failure is thrown.</summary>
    public TimeSpan RetryPatience { get; init; } = TimeSpan.FromSeconds(60);
}
