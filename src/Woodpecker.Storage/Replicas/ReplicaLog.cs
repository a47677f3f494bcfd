using Microsoft.Extensions.Logging;

namespace Woodpecker.Storage.Replicas;

/// <summary>Log lines of a replica store.</summary>
internal static partial class ReplicaLog
{
    [LoggerMessage(4201, LogLevel.Information, "Replica {Replica} holds {SegmentCount} segments in {FileCount} journal files")]
    public static partial void Booted(ILogger logger, ReplicaId replica, int segmentCount, int fileCount);

    [LoggerMessage(4202, LogLevel.Warning, "The boot met {Count} unreadable records: generation {Generation} begins, older segments are served but not appended to")]
    public static partial void UnreadableAtBoot(ILogger logger, int count, uint generation);

    [LoggerMessage(4203, LogLevel.Error, "A record of segment {Segment} that was durable is unreadable: a new generation begins")]
    public static partial void UnreadableWhileRunning(ILogger logger, SegmentKey segment);
}
