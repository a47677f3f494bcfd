using System.Globalization;

namespace Woodpecker;

/// <summary>Number of an entry in its segment: dense, first 0. <see cref="None"/> (-1) stands for "no entry".</summary>
/// <param name="Value">-1 or more.</param>
public readonly record struct EntryId(long Value) : IComparable<EntryId>
{
    /// <summary>"No entry": the value before the first one, so that <c>None + 1</c> is the first id.</summary>
    public static readonly EntryId None = new(-1);

    /// <summary>Whether this is <see cref="None"/>.</summary>
    public bool IsNone => Value < 0;

    /// <summary>The entry <paramref name="count"/> places later.</summary>
    public static EntryId operator +(EntryId left, long count) => new(checked(left.Value + count));

    /// <summary>Whether the left id comes before the right one.</summary>
    public static bool operator <(EntryId left, EntryId right) => left.Value < right.Value;

    /// <summary>Whether the left id comes after the right one.</summary>
    public static bool operator >(EntryId left, EntryId right) => left.Value > right.Value;

    /// <summary>Whether the left id comes before the right one or is the same.</summary>
    public static bool operator <=(EntryId left, EntryId right) => left.Value <= right.Value;

    /// <summary>Whether the left id comes after the right one or is the same.</summary>
    public static bool operator >=(EntryId left, EntryId right) => left.Value >= right.Value;

    /// <summary>The later of two ids.</summary>
    public static EntryId Max(EntryId left, EntryId right) => left.Value >= right.Value ? left : right;

    /// <summary>The earlier of two ids.</summary>
    public static EntryId Min(EntryId left, EntryId right) => left.Value <= right.Value ? left : right;

    /// <inheritdoc/>
    public int CompareTo(EntryId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
