using System.ComponentModel.DataAnnotations;

namespace Woodpecker.Reader;

/// <summary>Options of the reader, section <c>Woodpecker:Reader</c>; checked at start.</summary>
internal sealed class ReaderOptions
{
    public const string Section = "Woodpecker:Reader";

    /// <summary>Streams and requests served at once; beyond it callers are told to come back.</summary>
    [Range(1, 100_000)]
    public int MaxReaders { get; set; } = 1_000;

    /// <summary>Time without entries after which a stream sends a heartbeat, in seconds.</summary>
    [Range(1, 10)]
    public int HeartbeatSeconds { get; set; } = 5;

    /// <summary>Longest time a request may wait for an entry, in seconds.</summary>
    [Range(1, 300)]
    public int MaxWaitSeconds { get; set; } = 60;

    /// <summary>How often what is being read of history is made known to the collector, in milliseconds (V8).</summary>
    [Range(50, 3_600_000)]
    public int PinMilliseconds { get; set; } = 2_000;

    /// <summary>Verified blocks kept in memory, in bytes.</summary>
    [Range(0, 64L * 1024 * 1024 * 1024)]
    public long BlockCacheBytes { get; set; } = 32L * 1024 * 1024;
}
