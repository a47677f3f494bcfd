namespace Woodpecker.Client;

/// <summary>How a pipelined writer batches, waits and retries.</summary>
public sealed record LogWriterOptions
{
    /// <summary>
    /// Whether entries carry a producer id and sequence, so that a retry never duplicates (P1). Without it nothing
    /// whose outcome is unknown is repeated (P3).
    /// </summary>
    public bool IsIdempotent { get; init; } = true;

    /// <summary>
    /// Id of the producer; null makes a new one. Keep it, and raise the epoch, to go on after a restart.
    /// </summary>
    public Guid? ProducerId { get; init; }

    /// <summary>Epoch of the producer: a higher one fences writers of the same id (P1).</summary>
    public uint ProducerEpoch { get; init; }

    /// <summary>Batches on the way at once; the writer remembers as many per producer (P1).</summary>
    public int MaxBatchesInFlight { get; init; } = Limits.ProducerWindow;

    /// <summary>Entries that are gathered into one batch while earlier ones are on the way.</summary>
    public int MaxBatchEntries { get; init; } = Limits.MaxBatchEntries;

    /// <summary>Payload bytes gathered into one batch; a larger entry travels alone.</summary>
    public int MaxBatchBytes { get; init; } = 512 * 1024;

    /// <summary>Payload bytes accepted and not yet answered; beyond it accepting waits.</summary>
    public int MaxBufferedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How long an idempotent batch is tried before its outcome is given up as unknown.</summary>
    public TimeSpan RetryPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time without any answer after which the stream counts as broken.</summary>
    public TimeSpan ReplyPatience { get; init; } = TimeSpan.FromSeconds(15);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchesInFlight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchEntries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxBatchEntries, Limits.MaxBatchEntries);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxBatchBytes, Limits.DefaultMaxBatchSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBufferedBytes, MaxBatchBytes);
        if (IsIdempotent && MaxBatchesInFlight > Limits.ProducerWindow)
        {
            throw new ArgumentException(
                $"An idempotent writer may have at most {Limits.ProducerWindow} batches in flight: "
                + "the log remembers no more.");
        }
    }
}
