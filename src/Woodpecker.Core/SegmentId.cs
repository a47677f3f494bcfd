using System.Globalization;

namespace Woodpecker;

/// <summary>Number of a segment in its log: dense from 0; a new segment is created exactly at the next id (X2).</summary>
/// <param name="Value">The number, first 0.</param>
public readonly record struct SegmentId(ulong Value) : IComparable<SegmentId>
{
    /// <summary>The segment that follows this one.</summary>
    public SegmentId Next => new(checked(Value + 1));

    /// <summary>The fixed-width form used in keys and object names: 20 decimal digits.</summary>
    public string ToKey() => Value.ToString("D20", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public int CompareTo(SegmentId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
