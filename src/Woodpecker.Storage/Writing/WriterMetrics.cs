using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// What writer sessions tell the outside: outcomes, latencies, frames, rolls and takeovers. No tag names a log.
/// </summary>
/// <remarks>Threads: any. Without a listener a measurement costs a check.</remarks>
internal static class WriterMetrics
{
    private static readonly Meter _meter = new("Woodpecker.Writer");

    private static readonly Counter<long> _entries =
        _meter.CreateCounter<long>("woodpecker.append.entries", "{entry}", "Entries acknowledged.");

    private static readonly Counter<long> _bytes =
        _meter.CreateCounter<long>("woodpecker.append.bytes", "By", "Payload bytes acknowledged.");

    private static readonly Counter<long> _failures =
        _meter.CreateCounter<long>("woodpecker.append.failures", "{batch}", "Batches not acknowledged, by outcome.");

    private static readonly Histogram<double> _latency =
        _meter.CreateHistogram<double>(
            "woodpecker.append.duration", "s", "Time from admission of a batch to its acknowledgement.");

    private static readonly Histogram<int> _frameSize =
        _meter.CreateHistogram<int>("woodpecker.frame.size", "By", "Size of frames sent.");

    private static readonly Counter<long> _segments =
        _meter.CreateCounter<long>("woodpecker.segments", "{segment}", "Segments opened and sealed, by event.");

    private static readonly Counter<long> _takeovers =
        _meter.CreateCounter<long>(
            "woodpecker.takeovers", "{takeover}", "Reigns begun, by whether a segment had to be recovered.");

    public static void OnAcknowledged(AppendBatch batch, TimeSpan latency)
    {
        _entries.Add(batch.Facts.Count);
        _bytes.Add(batch.PayloadBytes);
        _latency.Record(latency.TotalSeconds);
    }

    public static void OnFailed(AppendOutcome outcome) =>
        _failures.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public static void OnFrame(int size) => _frameSize.Record(size);

    public static void OnSegmentOpened() => _segments.Add(1, new KeyValuePair<string, object?>("event", "opened"));

    public static void OnSegmentSealed() => _segments.Add(1, new KeyValuePair<string, object?>("event", "sealed"));

    public static void OnTakeover(bool hasRecovered) =>
        _takeovers.Add(1, new TagList { { "recovered", hasRecovered } });
}
