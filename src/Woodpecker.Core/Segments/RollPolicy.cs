namespace Woodpecker.Segments;

/// <summary>When a segment is ended although its writer goes on (W10).</summary>
/// <param name="MaxBytes">Frame bytes at which a segment ends.</param>
/// <param name="MaxAge">Age at which a segment with entries ends; an empty one never ages.</param>
public readonly record struct RollPolicy(long MaxBytes, TimeSpan MaxAge)
{
    /// <summary>
    /// A segment ends at this multiple of <see cref="MaxBytes"/> even if metadata is down: appends stall (section 13).
    /// </summary>
    public const int HardCapFactor = 4;

    /// <summary>256 MiB or 10 minutes.</summary>
    public static readonly RollPolicy Default = new(256L * 1024 * 1024, TimeSpan.FromMinutes(10));

    /// <summary>Of segments that only memory holds: 64 MiB or 5 seconds (section 21).</summary>
    public static readonly RollPolicy Memory = new(64L * 1024 * 1024, TimeSpan.FromSeconds(5));

    /// <summary>The stricter of two policies.</summary>
    public RollPolicy AtMost(RollPolicy limit) => new(
        Math.Min(MaxBytes, limit.MaxBytes), MaxAge < limit.MaxAge ? MaxAge : limit.MaxAge);

    /// <summary>Whether the segment should end now.</summary>
    /// <param name="bytes">Frame bytes sent to it.</param>
    /// <param name="isEmpty">Whether it has no entries.</param>
    /// <param name="age">Time since it was opened.</param>
    public bool ShouldRoll(long bytes, bool isEmpty, TimeSpan age) => !isEmpty && (bytes >= MaxBytes || age >= MaxAge);

    /// <summary>Whether the segment may take no more entries until it was rolled.</summary>
    public bool IsAtHardCap(long bytes) => bytes >= MaxBytes * HardCapFactor;
}
