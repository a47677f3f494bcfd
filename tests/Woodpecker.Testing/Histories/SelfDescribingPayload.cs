using System.Buffers.Binary;
using System.IO.Hashing;

namespace Woodpecker.Testing.Histories;

/// <summary>
/// Bytes that say who made them and whether they are whole: magic, client, sequence, length, filler, hash of all that.
/// So whoever finds them in a log knows which append they come from without a table of contents.
/// </summary>
public readonly record struct SelfDescribingPayload(uint Client, ulong Sequence, int Size)
{
    /// <summary>The smallest one: everything but the filler.</summary>
    public const int MinSize = 28;

    private const uint Magic = 0x444C5057; // "WPLD"

    /// <summary>
    /// The payload of a client's n-th append, at least <see cref="MinSize"/> long; the filler follows from the seed.
    /// </summary>
    public static byte[] Create(uint client, ulong sequence, int size, int seed)
    {
        var bytes = new byte[Math.Max(size, MinSize)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), client);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), sequence);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), bytes.Length);
        new Random(HashCode(seed, client, sequence)).NextBytes(bytes.AsSpan(20, bytes.Length - MinSize));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bytes.Length - 8), XxHash64.HashToUInt64(bytes.AsSpan(0, bytes.Length - 8)));
        return bytes;
    }

    /// <summary>Reads a payload back. Foreign bytes are no error: not every entry is one of these.</summary>
    public static PayloadCondition Read(ReadOnlySpan<byte> bytes, out SelfDescribingPayload payload)
    {
        payload = default;
        if (bytes.Length < MinSize || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
            return PayloadCondition.Foreign;
        payload = new SelfDescribingPayload(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]));
        var isWhole = payload.Size == bytes.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]) == XxHash64.HashToUInt64(bytes[..^8]);
        return isWhole ? PayloadCondition.Whole : PayloadCondition.Damaged;
    }

    // Not System.HashCode: that one differs from process to process.
    private static int HashCode(int seed, uint client, ulong sequence)
    {
        var mixed = unchecked(((ulong)(uint)seed * 0x9E3779B97F4A7C15) ^ (client * 0xBF58476D1CE4E5B9) ^ (sequence * 0x94D049BB133111EB));
        return unchecked((int)(mixed ^ (mixed >> 32)));
    }
}
