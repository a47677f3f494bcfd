using System.Globalization;

namespace Woodpecker;

/// <summary>
/// Number of a writer's reign over a log: strictly increasing, raised only by the Acquire transaction; the fencing token
/// at replicas. Below 2^53 for writers; <see cref="Delete"/> (2^63) fences every writer of a deleted log.
/// </summary>
/// <param name="Value">The number; 0 means that no writer ever held the log.</param>
public readonly record struct LogEpoch(ulong Value) : IComparable<LogEpoch>
{
    /// <summary>The epoch of log deletion: above every writer's (D4).</summary>
    public static readonly LogEpoch Delete = new(1UL << 63);

    /// <summary>The largest epoch a writer may hold.</summary>
    public static readonly LogEpoch MaxWriter = new((1UL << 53) - 1);

    /// <summary>The epoch of the next reign.</summary>
    public LogEpoch Next => new(checked(Value + 1));

    /// <summary>Whether the left epoch is older.</summary>
    public static bool operator <(LogEpoch left, LogEpoch right) => left.Value < right.Value;

    /// <summary>Whether the left epoch is younger.</summary>
    public static bool operator >(LogEpoch left, LogEpoch right) => left.Value > right.Value;

    /// <summary>Whether the left epoch is older or the same.</summary>
    public static bool operator <=(LogEpoch left, LogEpoch right) => left.Value <= right.Value;

    /// <summary>Whether the left epoch is younger or the same.</summary>
    public static bool operator >=(LogEpoch left, LogEpoch right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(LogEpoch other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
