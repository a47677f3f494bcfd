using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Makes visible what sources answered (V3): counts on the meter, a line for every damaged or lost copy.
/// </summary>
/// <remarks>
/// Threads: any. Tags: <c>source</c> (member, objects, slots) and <c>answer</c> (a <see cref="SourceAnswer"/> in lower
/// case): at most 3 x 7 series.
/// </remarks>
public sealed partial class ReadObserver
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Woodpecker.Storage.Reading";

    private static readonly string[] _sources =
        [.. Enum.GetNames<SourceKind>().Select(static name => name.ToLowerInvariant())];
    private static readonly string[] _answers =
        [.. Enum.GetNames<SourceAnswer>().Select(static name => name.ToLowerInvariant())];

    private readonly Counter<long> _asked;
    private readonly Counter<long> _entries;
    private readonly ILogger<ReadObserver> _logger;

    /// <summary>Makes the instruments.</summary>
    /// <param name="meter">Owned by the caller.</param>
    /// <param name="logger">For damaged copies.</param>
    public ReadObserver(Meter meter, ILogger<ReadObserver> logger)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _asked = meter.CreateCounter<long>("woodpecker.read.answers", "{answer}", "Answers of sources of entries.");
        _entries = meter.CreateCounter<long>(
            "woodpecker.read.entries", "{entry}", "Entries that sources gave, verified.");
        _logger = logger;
    }

    internal void Answered(LogId log, SegmentId segment, ReadSource source, in SourceRead read)
    {
        var name = new KeyValuePair<string, object?>("source", _sources[(int)source.Kind]);
        _asked.Add(1, name, new KeyValuePair<string, object?>("answer", _answers[(int)read.Answer]));
        if (read.Answer == SourceAnswer.Entries)
            _entries.Add(read.Entries.Count, name);
        else if (read.Answer is SourceAnswer.Corrupt or SourceAnswer.Missing)
            BadCopy(log, segment, source, read.Answer, read.Detail);
    }

    [LoggerMessage(
        2011, LogLevel.Warning, "A copy of segment {Segment} of log {LogId} at {Source} is {Answer}: {Detail}")]
    private partial void BadCopy(LogId logId, SegmentId segment, ReadSource source, SourceAnswer answer, string detail);
}
