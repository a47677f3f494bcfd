namespace Woodpecker.Storage.Writing;

/// <summary>How one writer session batches, waits and rolls. Defaults suit a service; tests shrink them.</summary>
public sealed record WriterSettings
{
    /// <summary>Bounds of one append.</summary>
    public AppendLimits Limits { get; init; } = AppendLimits.Default;

    /// <summary>Most bytes of appends that wait or are in flight in one log (W9).</summary>
    public long MaxQueuedBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Most batches that wait or are in flight in one log (W9).</summary>
    public int MaxQueuedBatches { get; init; } = 65_536;

    /// <summary>Frame bytes sent and not confirmed before no further frame is built.</summary>
    public long MaxUnconfirmedBytes { get; init; } = 8L * 1024 * 1024;

    /// <summary>Frames in flight before small ones are held back to grow; no timer is involved.</summary>
    public int PipelineDepth { get; init; } = 4;

    /// <summary>Frames of this size go out even past <see cref="PipelineDepth"/>, in bytes.</summary>
    public int TargetFrameSize { get; init; } = 256 * 1024;

    /// <summary>How long an append may take before its caller is answered (W8).</summary>
    public TimeSpan AppendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long appends wait for a missing quorum before they are refused.</summary>
    public TimeSpan QuorumGrace { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a roll waits for entries in flight before they move to the next segment (W10).</summary>
    public TimeSpan RollWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Youngest segment that is rolled to get a better ensemble (section 10).</summary>
    public TimeSpan EarlyRollAge { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time without appends after which the open segment is sealed; the next append opens another.</summary>
    public TimeSpan IdleSeal { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How old the last answer of the metadata store may be before a roll begins (X8).</summary>
    public TimeSpan MetadataFreshness { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause after a roll or an opening that could not be done.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromSeconds(1);
}
