namespace Woodpecker.Tool.Benchmark;

/// <summary>Figures of one run. MB are 10^6 bytes of payload; latencies are milliseconds.</summary>
internal sealed record BenchResult
{
    public required string Kind { get; init; }

    public required string Log { get; init; }

    public string? Mode { get; init; }

    public string? Durability { get; init; }

    public required string Transport { get; init; }

    public long? EntrySize { get; init; }

    public int? InFlight { get; init; }

    public required double Seconds { get; init; }

    public required long Entries { get; init; }

    public required long Bytes { get; init; }

    public double EntriesPerSecond => Entries / Seconds;

    public double MegabytesPerSecond => Bytes / 1e6 / Seconds;

    public Latencies? Latency { get; init; }

    /// <summary>One entry at a time, each waited for.</summary>
    public Latencies? Lone { get; init; }

    /// <summary>What the processes of the run used during the measurement, where that can be told.</summary>
    public IReadOnlyList<ProcessUsage>? Usage { get; init; }

    public int Processors { get; } = Environment.ProcessorCount;
}

/// <summary>Latencies of a run, and the raw counts: upper bound in microseconds, number.</summary>
internal sealed record Latencies(
    long Count, double P50, double P90, double P99, double Max, IReadOnlyList<long[]> Buckets)
{
    public static Latencies Of(LatencyHistogram histogram) => new(
        histogram.Count,
        histogram.Percentile(0.5) / 1e3,
        histogram.Percentile(0.9) / 1e3,
        histogram.Percentile(0.99) / 1e3,
        histogram.Max / 1e3,
        histogram.Buckets());
}
