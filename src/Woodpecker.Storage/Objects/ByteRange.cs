namespace Woodpecker.Storage.Objects;

/// <summary>Bytes of an object: a whole, a run from a position, or a suffix.</summary>
public readonly record struct ByteRange
{
    private ByteRange(long position, long length, bool isSuffix) =>
        (Position, Length, IsSuffix) = (position, length, isSuffix);

    /// <summary>The whole object.</summary>
    public static readonly ByteRange Whole = new(0, long.MaxValue, isSuffix: false);

    /// <summary>First byte; 0 for a suffix.</summary>
    public long Position { get; }

    /// <summary>How many bytes at most; <see cref="long.MaxValue"/> for "to the end".</summary>
    public long Length { get; }

    /// <summary>Whether the range is the last <see cref="Length"/> bytes.</summary>
    public bool IsSuffix { get; }

    /// <summary>Whether this is <see cref="Whole"/>.</summary>
    public bool IsWhole => !IsSuffix && Position == 0 && Length == long.MaxValue;

    /// <summary><paramref name="length"/> bytes from <paramref name="position"/>.</summary>
    public static ByteRange From(long position, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        return new ByteRange(position, length, isSuffix: false);
    }

    /// <summary>The last <paramref name="length"/> bytes (all, if the object is shorter).</summary>
    public static ByteRange Suffix(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        return new ByteRange(0, length, isSuffix: true);
    }
}
