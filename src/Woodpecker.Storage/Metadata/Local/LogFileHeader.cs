using System.Buffers.Binary;
using Woodpecker.Format;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>First bytes of a log or checkpoint file.</summary>
/// <remarks>
/// Shape, little-endian: 8 bytes magic, 4 format version, 4 zero, 8 store id, 8 sequence, 4 CRC32C over the bytes before.
/// The sequence is that of a log's first record, or of the last record a checkpoint includes.
/// </remarks>
/// <param name="StoreId">Identity of the store, given once when it was made.</param>
/// <param name="Sequence">See remarks.</param>
internal readonly record struct LogFileHeader(ulong StoreId, long Sequence)
{
    public const int Size = 36;
    private const int CurrentVersion = 1;
    private const int VersionAt = 8;
    private const int StoreIdAt = 16;
    private const int SequenceAt = 24;
    private const int ChecksumAt = 32;

    private static ReadOnlySpan<byte> LogMagic => "WPMDLOG\0"u8;

    private static ReadOnlySpan<byte> CheckpointMagic => "WPMDCHK\0"u8;

    public void Write(Span<byte> target, bool isCheckpoint)
    {
        target[..Size].Clear();
        (isCheckpoint ? CheckpointMagic : LogMagic).CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[VersionAt..], CurrentVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(target[StoreIdAt..], StoreId);
        BinaryPrimitives.WriteInt64LittleEndian(target[SequenceAt..], Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(target[ChecksumAt..], Crc32C.Compute(target[..ChecksumAt]));
    }

    public static ReadStatus Read(ReadOnlySpan<byte> source, bool isCheckpoint, out LogFileHeader header)
    {
        header = default;
        if (source.Length < Size)
            return ReadStatus.Corrupt("the file is shorter than its header", 0);
        if (!source.StartsWith(isCheckpoint ? CheckpointMagic : LogMagic))
            return ReadStatus.Corrupt("the file does not start with its magic", 0);
        if (Crc32C.Compute(source[..ChecksumAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumAt..]))
            return ReadStatus.Corrupt("the header's checksum is wrong", 0);
        if (BinaryPrimitives.ReadInt32LittleEndian(source[VersionAt..]) != CurrentVersion)
            return ReadStatus.UnknownVersion("the file was written by another version", VersionAt);
        header = new LogFileHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(source[StoreIdAt..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[SequenceAt..]));
        return ReadStatus.Ok;
    }
}
