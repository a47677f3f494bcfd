using CsCheck;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Tests.Entries;
using Woodpecker.Format.Tests.Objects;

namespace Woodpecker.Format.Tests.Journals;

public sealed class JournalFormatTests
{
    [Fact]
    public void FileHeader_RoundTrips_AndFindsEveryFlippedBit()
    {
        var block = JournalSamples.FileHeader();
        Assert.True(JournalFileHeader.Read(block, out var header).IsOk);
        Assert.Equal(0x0102030405060708UL, header.FileNonce);
        Assert.Equal("0.1.0", header.ProducedBy);
        Assert.Equal(ObjectSamples.Cluster, header.ClusterId);
        Damage.FlipEveryBit(block, damaged => !JournalFileHeader.Read(damaged, out _).IsOk);
        Assert.Equal(ReadStatusKind.NeedMore, JournalFileHeader.Read(block.AsSpan(0, 4095), out _).Kind);
    }

    [Theory]
    [InlineData(new byte[] { 0 })] // no name at all
    [InlineData(new byte[] { 0xFF, 0xFF })] // not UTF-8
    [InlineData(new byte[] { (byte)'a', 0, (byte)'b' })] // something behind the end
    public void Superblock_WithANodeIdNoWriterWrites_IsCorrupt(byte[] nodeId)
    {
        // Found by the fuzzer: what is read must be what could be written.
        var block = JournalSamples.Superblock();
        var name = block.AsSpan(block.AsSpan().IndexOf("replica-1"u8), 9);
        name.Clear();
        nodeId.CopyTo(name);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(128), Crc32C.Compute(block.AsSpan(0, 128)));
        Assert.Equal(ReadStatusKind.Corrupt, Superblock.Read(block, out _).Kind);
    }

    [Fact]
    public void Superblock_RoundTrips_AndFindsEveryFlippedBit()
    {
        var block = JournalSamples.Superblock();
        Assert.True(Superblock.Read(block, out var superblock).IsOk);
        Assert.Equal("replica-1", superblock.NodeId);
        Assert.Equal(3u, superblock.Generation);
        Assert.Equal(77L, superblock.HighestRevision);
        Damage.FlipEveryBit(block, damaged => !Superblock.Read(damaged, out _).IsOk);
        Damage.CutEveryLength(block, cut => Superblock.Read(cut, out _).Kind == ReadStatusKind.NeedMore);
    }

    [Theory]
    [InlineData(RecordType.Batch)]
    [InlineData(RecordType.RecoveryBatch)]
    [InlineData(RecordType.Promise)]
    [InlineData(RecordType.SegmentOpen)]
    [InlineData(RecordType.Seal)]
    [InlineData(RecordType.Drop)]
    [InlineData(RecordType.Checkpoint)]
    [InlineData(RecordType.FileIndex)]
    [InlineData(RecordType.Pad)]
    public void Record_FindsEveryFlippedBit_AndEveryCut(RecordType type)
    {
        var record = JournalSamples.Record(type);
        Assert.True(JournalSamples.Read(record).IsOk);
        var end = RecordHeader.Size + BitConverter.ToInt32(record, RecordHeader.BodyLengthAt);
        Damage.FlipEveryBit(record, damaged => !JournalSamples.Read(damaged).IsOk, (end, record.Length - end));
        Damage.CutEveryLength(record[..end], cut => !JournalSamples.Read(cut).IsOk);
        Assert.Equal(0, record.Length % RecordHeader.Alignment);
    }

    [Theory]
    [InlineData(0u, ReadStatusKind.Corrupt)]
    [InlineData((uint)Limits.MaxFrameSize, ReadStatusKind.NeedMore)]
    [InlineData((uint)Limits.MaxFrameSize + 1, ReadStatusKind.TooLarge)]
    [InlineData(uint.MaxValue, ReadStatusKind.TooLarge)]
    public void RecordBodyLength_IsChecked(uint length, ReadStatusKind expected)
    {
        var record = JournalSamples.Record(RecordType.Promise);
        BitConverter.TryWriteBytes(record.AsSpan(RecordHeader.BodyLengthAt), length);
        BitConverter.TryWriteBytes(
            record.AsSpan(RecordHeader.HeaderCrcAt), Crc32C.Compute(record.AsSpan(0, RecordHeader.HeaderCrcAt)));
        Assert.Equal(expected, JournalSamples.Read(record).Kind);
    }

    [Fact]
    public void BatchRecord_RefusesAFrameThatIsShorterThanItsBody()
    {
        byte[] body = [.. FrameSamples.Encode([FrameSamples.Plain("x")]), 0];
        var header = new RecordHeader
        {
            Type = RecordType.Batch,
            BodyLength = body.Length,
            BodyCrc = RecordHeader.ComputeBodyCrc(RecordType.Batch, body),
        };
        Assert.Equal(ReadStatusKind.Corrupt, header.CheckBody(body).Kind);
    }

    [Fact]
    public void SmallRecords_RoundTrip()
    {
        var promise = new PromiseRecord(new LogId(7), LogEpoch.Delete);
        var bytes = new byte[64];
        promise.Write(bytes);
        Assert.True(PromiseRecord.Read(bytes.AsSpan(0, PromiseRecord.Size), out var readPromise).IsOk);
        Assert.Equal(promise, readPromise);

        var seal = new SealRecord(new LogId(7), new SegmentId(3), new LogEpoch(9), EntryId.None, 5);
        seal.Write(bytes);
        Assert.True(SealRecord.Read(bytes.AsSpan(0, SealRecord.Size), out var readSeal).IsOk);
        Assert.Equal(seal, readSeal);

        var drop = new DropRecord(new LogId(7), new SegmentId(3), DropReason.Released, new byte[32].Select((_, i) => (byte)i).ToArray());
        drop.Write(bytes);
        Assert.True(DropRecord.Read(bytes.AsSpan(0, DropRecord.Size), out var readDrop).IsOk);
        Assert.Equal(drop.ManifestSha256.ToArray(), readDrop.ManifestSha256.ToArray());
        (drop with { ManifestSha256 = default, Reason = DropReason.Deleted }).Write(bytes);
        Assert.True(DropRecord.Read(bytes.AsSpan(0, DropRecord.Size), out readDrop).IsOk);
        Assert.True(readDrop.ManifestSha256.IsEmpty);

        bytes[DropRecord.ReasonAt] = 9;
        Assert.Equal(ReadStatusKind.UnknownVersion, DropRecord.Read(bytes.AsSpan(0, DropRecord.Size), out _).Kind);
        Assert.False(PromiseRecord.Read(bytes.AsSpan(0, 15), out _).IsOk);
        Assert.False(SealRecord.Read(bytes.AsSpan(0, 41), out _).IsOk);
        Assert.False(DropRecord.Read(bytes.AsSpan(0, 48), out _).IsOk);
    }

    [Fact]
    public void Checkpoint_RoundTrips()
    {
        var content = JournalSamples.Checkpoint().Encode();
        Assert.True(Checkpoint.Read(content, out var checkpoint).IsOk);
        Assert.Equal(content, checkpoint!.Encode());
        Assert.Equal(JournalSamples.Checkpoint().Promises, checkpoint.Promises);
        Assert.Equal(JournalSamples.Checkpoint().Files, checkpoint.Files);
        Assert.Equal(new DamagedRange(new EntryId(4), new EntryId(5)), checkpoint.Segments[0].Damage[0]);
        Damage.CutEveryLength(content, cut => !Checkpoint.Read(cut, out _).IsOk);
        Assert.False(Checkpoint.Read([.. content, 0], out _).IsOk);
    }

    [Fact]
    public void FileIndex_RoundTrips()
    {
        var content = JournalSamples.FileIndex().Encode();
        Assert.True(FileIndex.Read(content, out var index).IsOk);
        Assert.Equal(content, index!.Encode());
        Assert.Equal(JournalSamples.FileIndex().Segments[0].Rows, index.Segments[0].Rows);
        Damage.CutEveryLength(content, cut => !FileIndex.Read(cut, out _).IsOk);
        Assert.False(FileIndex.Read([.. content, 0], out _).IsOk);
    }

    [Fact]
    public void Contents_AreCutIntoParts_AndJoinedAgain() =>
        Gen.Int[0, (3 * RecordPart.MaxSlice) + 5].Sample(length =>
        {
            var content = new byte[length];
            new Random(length).NextBytes(content);
            var joined = new List<byte>();
            var parts = RecordPart.CountFor(length);
            for (var i = 0; i < parts; i++)
            {
                var part = new RecordPart(i, parts);
                var slice = part.SliceOf(content);
                var body = new byte[RecordPart.PrefixSize + slice.Length];
                part.Write(body);
                slice.CopyTo(body.AsSpan(RecordPart.PrefixSize));
                Assert.True(RecordPart.Read(body, out var read, out var readSlice).IsOk);
                Assert.Equal(part, read);
                joined.AddRange(readSlice);
            }

            return joined.SequenceEqual(content);
        }, iter: 20);

    [Fact]
    public void AnyBytes_GiveAStatus_NeverAnException() =>
        Gen.Byte.Array[0, 400].Sample(bytes =>
        {
            Checkpoint.Read(bytes, out var checkpoint);
            FileIndex.Read(bytes, out var index);
            RecordPart.Read(bytes, out _, out _);
            return (checkpoint is null || checkpoint.Encode().SequenceEqual(bytes)) && (index is null || index.Encode().SequenceEqual(bytes));
        }, iter: 20_000);
}
