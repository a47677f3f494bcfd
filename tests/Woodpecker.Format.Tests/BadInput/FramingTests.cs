using System.Buffers.Binary;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Format.Tests.Entries;
using Woodpecker.Format.Tests.Journals;
using Woodpecker.Format.Tests.Objects;

namespace Woodpecker.Format.Tests.BadInput;

/// <summary>Numbers that no writer writes, in every place of every structure and under checksums that are right.</summary>
public sealed class FramingTests
{
    // What a structure may make of bytes that its declared counts do not bound.
    private const long MaxAllocation = 1 << 20;

    private static readonly ulong[] _extremes =
    [
        0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, int.MaxValue, 1UL << 31, uint.MaxValue, (1UL << 53) + 1, long.MaxValue - 1, long.MaxValue,
        1UL << 63, ulong.MaxValue - 1, ulong.MaxValue, 1_000_000_000,
    ];

    private delegate ReadStatus Reader(byte[] bytes);

    private sealed record Structure(string Name, byte[] Bytes, int Fields, Reader Read, Action<byte[]> Sign);

    private static IEnumerable<Structure> Structures()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        yield return new("frame", frame, FrameHeader.HeaderCrcAt, static b => FrameReader.Verify(b, out _), static b =>
        {
            Put(b, FrameHeader.BodyCrcAt, FrameHeader.Size, b.Length);
            Put(b, FrameHeader.HeaderCrcAt, 0, FrameHeader.HeaderCrcAt);
        });
        yield return new("frame body", frame, frame.Length, static b => FrameReader.Verify(b, out _), static b =>
        {
            Put(b, FrameHeader.BodyCrcAt, FrameHeader.Size, b.Length);
            Put(b, FrameHeader.HeaderCrcAt, 0, FrameHeader.HeaderCrcAt);
        });
        yield return new("file header", JournalSamples.FileHeader(), 128, static b => JournalFileHeader.Read(b, out _), static b => Put(b, JournalFileHeader.CrcAt, 0, JournalFileHeader.CrcAt));
        yield return new("superblock", JournalSamples.Superblock(), Superblock.CrcAt, static b => Superblock.Read(b, out _), static b => Put(b, Superblock.CrcAt, 0, Superblock.CrcAt));
        foreach (var type in new[] { RecordType.Batch, RecordType.Promise, RecordType.Seal, RecordType.Drop, RecordType.Checkpoint, RecordType.FileIndex, RecordType.SegmentOpen })
        {
            var record = JournalSamples.Record(type);
            yield return new($"{type} record", record, RecordHeader.HeaderCrcAt, JournalSamples.Read, static b => Put(b, RecordHeader.HeaderCrcAt, 0, RecordHeader.HeaderCrcAt));
        }

        yield return new("checkpoint", JournalSamples.Checkpoint().Encode(), int.MaxValue, static b => Checkpoint.Read(b, out _), static _ => { });
        yield return new("file index", JournalSamples.FileIndex().Encode(), int.MaxValue, static b => FileIndex.Read(b, out _), static _ => { });
        yield return new("segment header", ObjectSamples.Header().Encode(), int.MaxValue, static b => SegmentHeader.Read(b, out _), static b => Put(b, b.Length - 4, 0, b.Length - 4));
        yield return new("block", ObjectSamples.EntryBlock(), BlockHeader.HeaderCrcAt, static b => Block.Open(b, out _, out _, out _), static b => Put(b, BlockHeader.HeaderCrcAt, 0, BlockHeader.HeaderCrcAt));
        yield return new("object", ObjectSamples.Object(ObjectSamples.EntryBlock()), int.MaxValue, ReadObject, static b =>
        {
            var at = b.Length - SegmentFooter.Size;
            Put(b, at + SegmentFooter.FooterCrcAt, at, at + SegmentFooter.FooterCrcAt);
        });
    }

    [Fact]
    public void AnyNumberInAnyPlace_GivesAStatus_AndTakesNoMemoryForIt()
    {
        foreach (var (name, bytes, fields, read, sign) in Structures())
        {
            Assert.True(read((byte[])bytes.Clone()).IsOk, name);
            for (var at = 0; at < Math.Min(fields, bytes.Length); at++)
            {
                foreach (var width in (ReadOnlySpan<int>)[2, 4, 8])
                {
                    if (at + width > bytes.Length)
                        continue;
                    foreach (var value in _extremes)
                    {
                        var changed = (byte[])bytes.Clone();
                        Write(changed.AsSpan(at, width), value);
                        sign(changed);
                        var before = GC.GetAllocatedBytesForCurrentThread();
                        var status = read(changed);
                        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MaxAllocation, $"{name}: {value} at {at} took memory");
                        Assert.True(status.IsOk || status.Kind == ReadStatusKind.NeedMore || status.Reason is { Length: > 0 }, $"{name}: {value} at {at} gives {status}");
                    }
                }
            }
        }
    }

    [Theory] // A footer that points outside, into itself, or declares what cannot be.
    [InlineData(SegmentFooter.IndexPositionAt, 8, -1L, "index place")]
    [InlineData(SegmentFooter.IndexPositionAt, 8, long.MaxValue, "index place")]
    [InlineData(SegmentFooter.IndexPositionAt, 8, 0L, "index place")]
    [InlineData(SegmentFooter.IndexLengthAt, 4, 0L, "index place")]
    [InlineData(SegmentFooter.IndexLengthAt, 4, uint.MaxValue, "index place")]
    [InlineData(SegmentFooter.BlockCountAt, 4, 1_000_000_000L, "index")]
    [InlineData(SegmentFooter.BlockCountAt, 4, uint.MaxValue, "index")]
    [InlineData(SegmentFooter.BlockCountAt, 4, 2L, "index place")]
    [InlineData(SegmentFooter.EntryCountAt, 8, -1L, "footer entry count")]
    [InlineData(SegmentFooter.FirstOffsetAt, 8, long.MaxValue, "footer entry count")]
    [InlineData(SegmentFooter.FirstSegmentAt, 8, -1L, "footer segments")]
    [InlineData(SegmentFooter.MajorAt, 1, 2L, "footer major version")]
    [InlineData(SegmentFooter.FlagsAt, 1, 1L, "footer flags")]
    [InlineData(SegmentFooter.FooterSizeAt, 2, 95L, "footer size")]
    [InlineData(SegmentFooter.EndMagicAt, 1, 0L, "footer magic")]
    public void AWrongFooter_IsNamed(int field, int width, long value, string reason)
    {
        var bytes = ObjectSamples.Object(ObjectSamples.EntryBlock());
        var at = bytes.Length - SegmentFooter.Size;
        Write(bytes.AsSpan(at + field, width), (ulong)value);
        Put(bytes, at + SegmentFooter.FooterCrcAt, at, at + SegmentFooter.FooterCrcAt);
        Assert.Equal(reason, SegmentFooter.Read(bytes, bytes.Length, out _).Reason);
    }

    [Fact] // The header's checksum is right and the body is wrong, and the reverse.
    public void EitherChecksum_IsEnoughToRefuse()
    {
        var frame = FrameSamples.Encode(FrameSamples.Rich());
        Assert.Equal("frame body checksum", FrameReader.Verify(Changed(frame, FrameHeader.Size + 3), out _).Reason);
        Assert.Equal("frame header checksum", FrameReader.Verify(Changed(frame, FrameHeader.CountAt), out _).Reason);
        var record = JournalSamples.Record(RecordType.Batch);
        Assert.False(JournalSamples.Read(Changed(record, RecordHeader.Size + 3)).IsOk);
        Assert.Equal("record header checksum", RecordHeader.Read(Changed(record, RecordHeader.GroupSequenceAt), out _).Reason);
        var block = ObjectSamples.EntryBlock();
        Assert.False(Block.Open(Changed(block, BlockHeader.Size + 3), out _, out _, out _).IsOk);
        Assert.False(Block.Open(Changed(block, 20), out _, out _, out _).IsOk);
    }

    private static byte[] Changed(byte[] bytes, int at)
    {
        var copy = (byte[])bytes.Clone();
        copy[at] ^= 0x10;
        return copy;
    }

    private static ReadStatus ReadObject(byte[] bytes)
    {
        var status = SegmentFooter.Read(bytes, bytes.Length, out var footer);
        return status.IsOk
            ? BlockIndex.Read(bytes.AsSpan((int)footer.IndexPosition, footer.IndexLength), footer, out _)
            : status;
    }

    private static void Write(Span<byte> place, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..place.Length].CopyTo(place);
    }

    private static void Put(byte[] bytes, int at, int from, int to) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Compute(bytes.AsSpan(from, to - from)));
}
