using System.Globalization;

namespace Woodpecker;

/// <summary>Identity of a log for ever: a number from a metadata counter that is never reused. Keys and paths hold the id, never the name.</summary>
/// <param name="Value">The number; 0 is not a log.</param>
public readonly record struct LogId(ulong Value) : IComparable<LogId>
{
    /// <summary>The fixed-width form used in keys and object names: 16 lower-case hex digits.</summary>
    public string ToKey() => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public int CompareTo(LogId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
