using System.Globalization;

namespace Woodpecker;

/// <summary>Public position of an entry in its log: dense, first 0, at most 2^63-1. <c>Offset = segment.baseOffset + EntryId</c>.</summary>
/// <param name="Value">The position.</param>
public readonly record struct Offset(ulong Value) : IComparable<Offset>
{
    /// <summary>The first offset of every log.</summary>
    public static readonly Offset Zero = new(0);

    /// <summary>The offset <paramref name="count"/> places later.</summary>
    public static Offset operator +(Offset left, long count) => new(checked((ulong)((long)left.Value + count)));

    /// <summary>How many places the left offset lies after the right one (negative if before).</summary>
    public static long operator -(Offset left, Offset right) => checked((long)left.Value - (long)right.Value);

    /// <summary>Whether the left offset comes before the right one.</summary>
    public static bool operator <(Offset left, Offset right) => left.Value < right.Value;

    /// <summary>Whether the left offset comes after the right one.</summary>
    public static bool operator >(Offset left, Offset right) => left.Value > right.Value;

    /// <summary>Whether the left offset comes before the right one or is the same.</summary>
    public static bool operator <=(Offset left, Offset right) => left.Value <= right.Value;

    /// <summary>Whether the left offset comes after the right one or is the same.</summary>
    public static bool operator >=(Offset left, Offset right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(Offset other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
