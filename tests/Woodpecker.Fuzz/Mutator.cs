using System.Buffers.Binary;

namespace Woodpecker.Fuzz;

/// <summary>Changes inputs: bits, bytes, numbers at the edges, pieces of other inputs.</summary>
internal sealed class Mutator(Random random)
{
    /// <summary>Largest input made.</summary>
    public const int MaxSize = 64 * 1024;

    private static readonly long[] _numbers =
        [0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue, 1L << 53];

    private static readonly string[] _texts =
        ["null", "[]", "{}", "\"\"", "-1", "1e9", "18446744073709551616", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "../", "\0", "[[[[", "\u202e", "NaN", "\n"];

    public byte[] Mutate(byte[] input, IReadOnlyList<byte[]> others)
    {
        var bytes = new List<byte>(input);
        for (var left = 1 << random.Next(5); left > 0; left--)
            Change(bytes, others);
        if (bytes.Count > MaxSize)
            bytes.RemoveRange(MaxSize, bytes.Count - MaxSize);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        var at = random.Next(bytes.Count + 1);
        var length = Math.Min(random.Next(1, 17), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2 when at < bytes.Count:
                bytes[at] += (byte)random.Next(-16, 17);
                break;
            case 3:
                Overwrite(bytes, at, Number());
                break;
            case 4:
                bytes.RemoveRange(at, length);
                break;
            case 5:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 6:
                bytes.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(_texts[random.Next(_texts.Length)]));
                break;
            case 7:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 8 when others.Count > 0:
                var other = others[random.Next(others.Count)];
                var from = random.Next(other.Length + 1);
                Overwrite(bytes, at, other.AsSpan(from, Math.Min(random.Next(1, 65), other.Length - from)));
                break;
        }
    }

    private byte[] Number()
    {
        var number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, _numbers[random.Next(_numbers.Length)]);
        return number[..(1 << random.Next(4))];
    }

    private static void Overwrite(List<byte> bytes, int at, ReadOnlySpan<byte> piece)
    {
        for (var i = 0; i < piece.Length && at + i < bytes.Count; i++)
            bytes[at + i] = piece[i];
    }
}
