using Microsoft.Extensions.Logging;

namespace Woodpecker.Client.Embedded;

/// <summary>What an engine tells its host.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(
        5001, LogLevel.Critical,
        "The journal failed: {Reason}. Every append is refused until the engine is opened anew")]
    public static partial void JournalFailed(ILogger logger, string reason, Exception failure);

    [LoggerMessage(5002, LogLevel.Warning, "Care for segment {Segment} is put off: {Reason}")]
    public static partial void CarePutOff(ILogger logger, SegmentKey segment, string reason);

    [LoggerMessage(
        5003, LogLevel.Information,
        "Segment {Segment} is safe in the object store or obsolete; its {Bytes} bytes in the journal are free")]
    public static partial void Released(ILogger logger, SegmentKey segment, long bytes);

    [LoggerMessage(
        5004, LogLevel.Error,
        "The published objects of segment {Segment} do not fit; the journal keeps it: {Reason}")]
    public static partial void Mismatch(ILogger logger, SegmentKey segment, string reason);
}
