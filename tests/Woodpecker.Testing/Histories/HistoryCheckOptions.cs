namespace Woodpecker.Testing.Histories;

/// <summary>What a run promises beyond, or less than, the protocol's rules for every run.</summary>
public sealed record HistoryCheckOptions
{
    public static HistoryCheckOptions Default { get; } = new();

    /// <summary>Every log that was not deleted must have a final read; otherwise missing entries could not be noticed.</summary>
    public bool RequiresFinalRead { get; init; } = true;

    /// <summary>Results were recorded in the order they were delivered, so a caller's Oks must come in offset order (W5).</summary>
    public bool ResultsAreInOrder { get; init; }

    /// <summary>No reader works on cached metadata: entries below an answered truncation are a violation, too (D1).</summary>
    public bool TruncationIsImmediate { get; init; }

    /// <summary>
    /// A reader may work on metadata older than what was committed before its read began, because it was cut off or met a stale
    /// read (X1, V5): below a truncation that it has not heard of, it may tell to wait.
    /// </summary>
    public bool MetadataMayBeStale { get; init; }

    /// <summary>Logs whose beginning also goes by age or size.</summary>
    public IReadOnlySet<string> LogsWithRetention { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Violations after which the rest is not looked for.</summary>
    public int MaxViolations { get; init; } = 100;
}
