using System.Numerics;

namespace Woodpecker.Format;

/// <summary>Unsigned LEB128 of at most ten bytes; only the shortest form is legal. Zigzag on top where signed.</summary>
public static class Varint
{
    /// <summary>Longest encoding, in bytes.</summary>
    public const int MaxSize = 10;

    /// <summary>Encoded size of <paramref name="value"/>, in bytes.</summary>
    public static int SizeOf(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Writes <paramref name="value"/> and returns the number of bytes.</summary>
    public static int Write(Span<byte> destination, ulong value)
    {
        var at = 0;
        while (value >= 0x80)
        {
            destination[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[at++] = (byte)value;
        return at;
    }

    /// <summary>Reads one value and moves <paramref name="position"/> behind it; false if it is cut, longer than needed, or too large.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int position, out ulong value)
    {
        value = 0;
        var at = position;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if ((uint)at >= (uint)source.Length)
                return false;
            ulong part = source[at++];
            if (shift == 63 && part > 1)
                return false;
            value |= (part & 0x7F) << shift;
            if (part < 0x80)
            {
                if (part == 0 && shift != 0)
                    return false;
                position = at;
                return true;
            }
        }

        return false;
    }

    /// <summary>Maps small negative and positive numbers to small unsigned ones.</summary>
    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    /// <summary>Inverse of <see cref="ZigZag"/>.</summary>
    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
