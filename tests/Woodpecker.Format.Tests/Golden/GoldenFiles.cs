using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Format.Tests.Entries;
using Woodpecker.Format.Tests.Journals;
using Woodpecker.Format.Tests.Objects;

namespace Woodpecker.Format.Tests.Golden;

/// <summary>The structures of version 1 that stand as golden files: how each is made once, described, and encoded again.</summary>
internal static class GoldenFiles
{
    /// <summary>One golden file.</summary>
    /// <param name="Make">Encodes the sample.</param>
    /// <param name="Describe">Decoded fields; fails if the bytes do not decode.</param>
    /// <param name="Again">Encodes what was decoded.</param>
    public sealed record Golden(Func<byte[]> Make, Func<byte[], object> Describe, Func<byte[], byte[]> Again);

    public static readonly SortedDictionary<string, Golden> All = new(StringComparer.Ordinal)
    {
        ["frame-rich"] = Frame(FrameSamples.Rich),
        ["frame-empty-payload"] = Frame(() => [FrameSamples.Plain("", timestamp: 0)]),
        ["frame-extreme-values"] = Frame(() =>
        [
            FrameSamples.Plain("first", timestamp: long.MaxValue) with { Stamp = new ProducerStamp(Guid.Empty, 0, 0) },
            FrameSamples.Plain("second", timestamp: 0) with { Stamp = new ProducerStamp(Guid.Empty, 0, ulong.MaxValue) },
        ]),
        ["frame-odd-extension"] = Frame(() =>
        [
            FrameSamples.Plain("x") with
            {
                Attributes = EntryAttributes.FromEncoded(new byte[] { 4, 7, 2, 0xAA, 0xBB }, EntryFlags.Extensions),
            },
        ]),
        ["segment-header"] = Header(ObjectSamples.Header),
        ["segment-header-bare"] = Header(() => ObjectSamples.Header() with { Ensemble = [], Producers = [], FencingToken = "" }),
        ["block-entries"] = BlockFile(ObjectSamples.EntryBlock),
        ["block-segment-header"] = BlockFile(ObjectSamples.HeaderBlock),
        ["block-fence"] = BlockFile(ObjectSamples.FenceBlock),
        ["object"] = ObjectFile(() => ObjectSamples.Object(ObjectSamples.EntryBlock())),
        ["object-without-blocks"] = ObjectFile(() => ObjectSamples.Object()),
        ["object-merged"] = ObjectFile(Merged),
        ["manifest"] = Manifest(ObjectSamples.Manifest),
        ["superblock"] = new(JournalSamples.Superblock, static bytes => DescribeSuperblock(bytes), bytes =>
        {
            Superblock.Read(bytes, out var value);
            return Write(Superblock.Size, value.Write);
        }),
        ["journal-file-header"] = new(JournalSamples.FileHeader, static bytes => DescribeFileHeader(bytes), bytes =>
        {
            JournalFileHeader.Read(bytes, out var value);
            return Write(JournalFileHeader.Size, value.Write);
        }),
        ["record-batch"] = Record(RecordType.Batch),
        ["record-recovery-batch"] = Record(RecordType.RecoveryBatch),
        ["record-promise"] = Record(RecordType.Promise),
        ["record-segment-open"] = Record(RecordType.SegmentOpen),
        ["record-seal"] = Record(RecordType.Seal),
        ["record-drop"] = Record(RecordType.Drop),
        ["record-checkpoint"] = Record(RecordType.Checkpoint),
        ["record-file-index"] = Record(RecordType.FileIndex),
        ["record-pad"] = Record(RecordType.Pad),
    };

    private static Golden Frame(Func<EntryToWrite[]> entries) => new(
        () => FrameSamples.Encode(entries()),
        bytes =>
        {
            Assert.True(FrameReader.Open(bytes, out var reader).IsOk);
            var list = new List<object>();
            while (reader.MoveNext())
                list.Add(Describe(reader.Current));
            Assert.Equal(ReadStatusKind.CleanEnd, reader.Status.Kind);
            return new { header = reader.Header, entries = list };
        },
        bytes =>
        {
            Assert.True(FrameReader.Open(bytes, out var reader).IsOk);
            var header = reader.Header;
            var list = new List<EntryToWrite>();
            while (reader.MoveNext())
                list.Add(ToWrite(reader.Current));
            return FrameSamples.Encode(
                new FrameStart(
                    header.Log, header.Segment, header.Epoch, header.FirstEntry, header.FirstOffset, header.Lac, header.ChainBefore),
                [.. list]);
        });

    private static object Describe(in EntryView entry) => new
    {
        id = entry.Id.Value,
        offset = entry.Offset.Value,
        timestamp = entry.Timestamp,
        flags = entry.Flags.ToString(),
        stamp = entry.HasStamp ? entry.Stamp.ToString() : null,
        attributes = Convert.ToHexStringLower(entry.Attributes),
        payload = Convert.ToHexStringLower(entry.Payload),
        entryCrc = entry.EntryCrc.ToString("x8", null),
    };

    private static EntryToWrite ToWrite(in EntryView entry) => new()
    {
        Payload = entry.Payload.ToArray(),
        Timestamp = entry.Timestamp,
        Stamp = entry.HasStamp ? entry.Stamp : null,
        Attributes = EntryAttributes.FromEncoded(entry.Attributes.ToArray(), entry.Flags),
        IsFirstOfBatch = entry.IsFirstOfBatch,
        IsLastOfBatch = entry.IsLastOfBatch,
    };

    private static Golden Header(Func<SegmentHeader> header) => new(
        () => header().Encode(),
        bytes => Read<SegmentHeader>(bytes, SegmentHeader.Read),
        bytes => Read<SegmentHeader>(bytes, SegmentHeader.Read).Encode());

    private static Golden Manifest(Func<SegmentManifest> manifest) => new(
        () => manifest().Encode(),
        bytes => Read<SegmentManifest>(bytes, SegmentManifest.Read),
        bytes => Read<SegmentManifest>(bytes, SegmentManifest.Read).Encode());

    private static Golden BlockFile(Func<byte[]> make) => new(
        make,
        bytes =>
        {
            Assert.True(Block.Open(bytes, out var header, out var trailer, out var stored).IsOk);
            return new { header, trailer, stored = Convert.ToHexStringLower(stored) };
        },
        bytes =>
        {
            Assert.True(Block.Open(bytes, out var header, out var trailer, out var stored).IsOk);
            var again = new byte[Block.SizeOf(stored.Length)];
            Block.Write(header, trailer.RawCrc, stored, again);
            return again;
        });

    private static Golden ObjectFile(Func<byte[]> make) => new(
        make,
        bytes =>
        {
            Assert.True(SegmentFooter.Read(bytes, bytes.Length, out var footer).IsOk);
            Assert.True(BlockIndex.Read(bytes.AsSpan((int)footer.IndexPosition, footer.IndexLength), footer, out var rows).IsOk);
            return new { footer, rows };
        },
        bytes =>
        {
            Assert.True(SegmentFooter.Read(bytes, bytes.Length, out var footer).IsOk);
            Assert.True(BlockIndex.Read(bytes.AsSpan((int)footer.IndexPosition, footer.IndexLength), footer, out var rows).IsOk);
            return ObjectSamples.Object([.. rows.Select(row => bytes.AsSpan((int)row.Position, row.BlockLength).ToArray())]);
        });

    private static Golden Record(RecordType type) => new(
        () => JournalSamples.Record(type),
        bytes =>
        {
            Assert.True(JournalSamples.Read(bytes).IsOk);
            RecordHeader.Read(bytes, out var header);
            return new { header, body = Convert.ToHexStringLower(bytes.AsSpan(RecordHeader.Size, header.BodyLength)) };
        },
        bytes =>
        {
            RecordHeader.Read(bytes, out var header);
            var again = new byte[header.RecordLength];
            header.Write(again);
            bytes.AsSpan(RecordHeader.Size, header.BodyLength).CopyTo(again.AsSpan(RecordHeader.Size));
            return again;
        });

    // Blocks of two segments, the second one with entries of its own.
    private static byte[] Merged()
    {
        var start = FrameSamples.Start with { Segment = new SegmentId(4), FirstEntry = new EntryId(0), FirstOffset = new Offset(1_014) };
        FrameReader.Open(FrameSamples.Encode(start, FrameSamples.Rich()), out var frame);
        var body = new EntryBodyWriter();
        body.Begin(start.Log, start.ChainBefore, new byte[EntryBodyWriter.ReservedSize + 4096]);
        while (frame.MoveNext())
            Assert.True(body.TryAdd(frame.Current));
        var raw = body.Finish().Span;
        var block = new byte[Block.SizeOf(raw.Length)];
        var header = new BlockHeader
        {
            ClusterId = ObjectSamples.Cluster,
            Log = start.Log,
            Segment = start.Segment,
            Epoch = start.Epoch,
            Number = 1,
            FirstEntry = start.FirstEntry,
            FirstOffset = start.FirstOffset,
            Count = body.Count,
            RawLength = raw.Length,
            BaseTimestamp = body.Start.BaseTimestamp,
            MaxTimestamp = body.MaxTimestamp,
            ChainBefore = start.ChainBefore,
            ChainAfter = body.Chain,
        };
        Block.Write(header, Crc32C.Compute(raw), raw, block);
        return ObjectSamples.Object(ObjectSamples.EntryBlock(), block);
    }

    private static Superblock DescribeSuperblock(byte[] bytes)
    {
        Assert.True(Superblock.Read(bytes, out var value).IsOk);
        return value;
    }

    private static JournalFileHeader DescribeFileHeader(byte[] bytes)
    {
        Assert.True(JournalFileHeader.Read(bytes, out var value).IsOk);
        return value;
    }

    private delegate ReadStatus Reader<T>(ReadOnlySpan<byte> source, out T? value);

    private static T Read<T>(byte[] bytes, Reader<T> read)
        where T : class
    {
        Assert.True(read(bytes, out var value).IsOk);
        return value!;
    }

    private delegate void Writer(Span<byte> destination);

    private static byte[] Write(int size, Writer write)
    {
        var bytes = new byte[size];
        write(bytes);
        return bytes;
    }
}
