using System.Buffers;
using System.Buffers.Binary;
using Woodpecker.Format;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Framing of records in log and checkpoint files.</summary>
/// <remarks>
/// Shape, little-endian:
/// <code>
/// at  size field
///  0  4    length of the rest after the checksum
///  4  4    CRC32C over the length and everything from byte 8
///  8  8    sequence: dense over all log files of a store; in a checkpoint from 0
/// 16  8    position in the file at which this record's group began; everything before it was durable when it was written
/// 24  1    kind
/// 25  n    payload
/// </code>
/// The group position tells a torn tail from damage: a broken record that a later intact group calls durable is damage.
/// </remarks>
internal static class LogRecord
{
    public const int HeaderSize = 25;
    public const int MaxSize = 64 * 1024 * 1024;
    private const int ChecksumAt = 4;
    private const int SequenceAt = 8;
    private const int GroupAt = 16;
    private const int KindAt = 24;

    /// <summary>Appends one record.</summary>
    public static void Write(
        ArrayBufferWriter<byte> target, long sequence, long groupPosition, LogRecordKind kind, ReadOnlySpan<byte> payload)
    {
        var size = HeaderSize + payload.Length;
        Invariant.Check(size <= MaxSize, "Callers check the size of a record before they write it.");
        var record = target.GetSpan(size)[..size];
        BinaryPrimitives.WriteInt32LittleEndian(record, size - SequenceAt);
        BinaryPrimitives.WriteInt64LittleEndian(record[SequenceAt..], sequence);
        BinaryPrimitives.WriteInt64LittleEndian(record[GroupAt..], groupPosition);
        record[KindAt] = (byte)kind;
        payload.CopyTo(record[HeaderSize..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record[ChecksumAt..], Checksum(record));
        target.Advance(size);
    }

    /// <summary>Whole size of a record from its first four bytes; 0 if that cannot be one.</summary>
    public static int SizeFrom(ReadOnlySpan<byte> source)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(source);
        return length is >= HeaderSize - SequenceAt and <= MaxSize - SequenceAt ? length + SequenceAt : 0;
    }

    /// <summary>Whether a whole record is intact.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadUInt32LittleEndian(record[ChecksumAt..]) == Checksum(record);

    public static long SequenceOf(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadInt64LittleEndian(record[SequenceAt..]);

    public static long GroupPositionOf(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadInt64LittleEndian(record[GroupAt..]);

    public static LogRecordKind KindOf(ReadOnlySpan<byte> record) => (LogRecordKind)record[KindAt];

    private static uint Checksum(ReadOnlySpan<byte> record) =>
        Crc32C.Extend(Crc32C.Compute(record[..ChecksumAt]), record[SequenceAt..]);
}
