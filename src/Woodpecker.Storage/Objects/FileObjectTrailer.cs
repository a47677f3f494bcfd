using System.Buffers.Binary;

namespace Woodpecker.Storage.Objects;

/// <summary>What the file store writes behind the content of an object: one file keeps bytes and checksum together.</summary>
/// <remarks>
/// Shape: at 0 magic <c>WPOF</c>; at 4 version u16 = 1; at 6 reserved u16; at 8 content length u64; at 16 CRC32C of the
///        content u32; at 20 CRC32C over 0..19 u32. Little-endian, 24 bytes, at the very end of the file.
/// Why:   a checksum in a second file could be lost or exchanged apart from its object; a link publishes both at once.
/// </remarks>
internal readonly record struct FileObjectTrailer(long ContentLength, uint Crc32C)
{
    public const int Size = 24;
    private const uint Magic = 0x464F5057; // "WPOF"
    private const ushort Version = 1;
    private const int VersionAt = 4;
    private const int ReservedAt = 6;
    private const int LengthAt = 8;
    private const int ContentCrcAt = 16;
    private const int OwnCrcAt = 20;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[VersionAt..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[ReservedAt..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(destination[LengthAt..], ContentLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ContentCrcAt..], Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[OwnCrcAt..], ObjectChecksum.Of(destination[..OwnCrcAt]));
    }

    /// <summary>Reads the trailer of a file of <paramref name="fileLength"/> bytes; false if it is damaged or not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, long fileLength, out FileObjectTrailer trailer)
    {
        trailer = default;
        if (source.Length != Size
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(source[VersionAt..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(source[OwnCrcAt..]) != ObjectChecksum.Of(source[..OwnCrcAt]))
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(source[LengthAt..]);
        if (length != fileLength - Size)
            return false;
        trailer = new FileObjectTrailer(length, BinaryPrimitives.ReadUInt32LittleEndian(source[ContentCrcAt..]));
        return true;
    }
}
