using System.Buffers.Binary;

namespace Woodpecker.Format.Objects;

/// <summary>What ends a block: 16 bytes: storedCrc u32, rawCrc u32, storedLength u32 (repeats the header), magic.</summary>
/// <param name="StoredCrc">CRC32C of the stored bytes; checked before they are decompressed.</param>
/// <param name="RawCrc">CRC32C of the raw body.</param>
/// <param name="StoredLength">Bytes between header and trailer.</param>
public readonly record struct BlockTrailer(uint StoredCrc, uint RawCrc, int StoredLength)
{
    /// <summary>Size of the trailer, in bytes.</summary>
    public const int Size = 16;

    internal const int StoredCrcAt = 0;
    internal const int RawCrcAt = 4;
    internal const int StoredLengthAt = 8;
    internal const int MagicAt = 12;

    /// <summary>Last bytes of a block.</summary>
    public static ReadOnlySpan<byte> Magic => "1BPW"u8;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StoredCrcAt..], StoredCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[RawCrcAt..], RawCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StoredLengthAt..], (uint)StoredLength);
        Magic.CopyTo(destination[MagicAt..]);
    }

    /// <summary>Reads a trailer; that it fits its header is checked by <see cref="Block"/>.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out BlockTrailer trailer)
    {
        trailer = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source.Slice(MagicAt, 4).SequenceEqual(Magic))
            return ReadStatus.Corrupt("block trailer magic", MagicAt);
        trailer = new BlockTrailer(
            BinaryPrimitives.ReadUInt32LittleEndian(source[StoredCrcAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[RawCrcAt..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[StoredLengthAt..]));
        return ReadStatus.Ok;
    }
}
