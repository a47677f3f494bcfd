namespace Woodpecker.Compaction;

/// <summary>When adjacent published keys are merged.</summary>
public sealed record CompactionPolicy
{
    /// <summary>Stored bytes a merged key aims for.</summary>
    public long TargetBytes { get; init; } = 512L * 1024 * 1024;

    /// <summary>Fewest keys worth a merge, unless together they reach half the target.</summary>
    public int MinKeys { get; init; } = 4;

    /// <summary>Most keys of one merge: one transaction touches them all.</summary>
    public int MaxKeys { get; init; } = Limits.MaxTransactionSegments;

    /// <summary>Most segments in one manifest, so that it stays far below its size limit.</summary>
    public int MaxSegments { get; init; } = 10_000;
}
