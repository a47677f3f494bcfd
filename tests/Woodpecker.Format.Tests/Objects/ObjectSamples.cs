using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Format.Tests.Entries;

namespace Woodpecker.Format.Tests.Objects;

/// <summary>Objects for tests.</summary>
internal static class ObjectSamples
{
    public static readonly Guid Cluster = new("6f1c2a00-0000-4000-8000-0000000000c1");

    public static SegmentHeader Header() => new()
    {
        Log = new LogId(7),
        Segment = new SegmentId(3),
        Epoch = new LogEpoch(5),
        BaseOffset = new Offset(1_000),
        CreatedAt = 1_700_000_000_000_000,
        Ensemble =
        [
            new ReplicaId("replica-1", new Guid("b7d00000-0000-4000-8000-000000000001"), 0),
            new ReplicaId("replica-2", new Guid("11ac0000-0000-4000-8000-000000000002"), 2),
            new ReplicaId("replica-3", new Guid("90fe0000-0000-4000-8000-000000000003"), uint.MaxValue),
        ],
        FencingToken = "owner-é",
        Producers =
        [
            new ProducerSnapshot(FrameSamples.ProducerA, 2, 41, new Offset(900), [new ProducerBatch(40, 2, new Offset(899))]),
            new ProducerSnapshot(FrameSamples.ProducerB, uint.MaxValue, ulong.MaxValue, new Offset(Limits.MaxOffset), []),
        ],
    };

    /// <summary>A block, uncompressed, with the entries of <see cref="FrameSamples.Rich"/>.</summary>
    public static byte[] EntryBlock()
    {
        FrameReader.Open(FrameSamples.Encode(FrameSamples.Rich()), out var frame);
        var body = new EntryBodyWriter();
        body.Begin(FrameSamples.Start.Log, FrameSamples.Start.ChainBefore, new byte[EntryBodyWriter.ReservedSize + 4096]);
        while (frame.MoveNext())
            Assert.True(body.TryAdd(frame.Current));
        var raw = body.Finish().Span;
        var start = body.Start;
        var header = new BlockHeader
        {
            ClusterId = Cluster,
            Log = start.Log,
            Segment = FrameSamples.Start.Segment,
            Epoch = FrameSamples.Start.Epoch,
            Number = 2,
            FirstEntry = start.FirstEntry,
            FirstOffset = start.FirstOffset,
            Count = start.Count,
            RawLength = raw.Length,
            BaseTimestamp = start.BaseTimestamp,
            MaxTimestamp = body.MaxTimestamp,
            ChainBefore = start.ChainBefore,
            ChainAfter = body.Chain,
            WriterNonce = 0xABCD,
        };
        return Write(header, raw);
    }

    public static byte[] HeaderBlock()
    {
        var segment = Header();
        var raw = segment.Encode();
        return Write(
            new BlockHeader
            {
                Flags = BlockFlags.SegmentHeader,
                ClusterId = Cluster,
                Log = segment.Log,
                Segment = segment.Segment,
                Epoch = segment.Epoch,
                FirstEntry = new EntryId(0),
                FirstOffset = segment.BaseOffset,
                RawLength = raw.Length,
                ChainBefore = segment.InitialChain,
                ChainAfter = segment.InitialChain,
            },
            raw);
    }

    public static byte[] FenceBlock() => Write(
        new BlockHeader
        {
            Flags = BlockFlags.Fence,
            ClusterId = Cluster,
            Log = new LogId(7),
            Segment = new SegmentId(3),
            Epoch = new LogEpoch(6),
            Number = 12,
            WriterNonce = 1,
        },
        []);

    /// <summary>An object of the given blocks, each with the raw body it was made from.</summary>
    public static byte[] Object(params byte[][] blocks)
    {
        var rows = new List<BlockIndexEntry>();
        long position = 0;
        foreach (var block in blocks)
        {
            Assert.True(Block.Open(block, out var header, out var trailer, out _).IsOk);
            rows.Add(BlockIndexEntry.For(
                header, new BlockChecksums(BlockHeader.ReadCrc(block), trailer.StoredCrc), header.StoredLength, position));
            position += block.Length;
        }

        var index = new byte[rows.Count * BlockIndexEntry.Size];
        BlockIndex.Write(rows.ToArray(), index);
        var footer = new SegmentFooter
        {
            BlockCount = rows.Count,
            IndexPosition = position,
            IndexCrc = Crc32C.Compute(index),
            EntryCount = (ulong)rows.Sum(row => row.Count),
            FirstOffset = rows.Count == 0 ? new Offset(1_000) : rows[0].FirstOffset,
            Log = new LogId(7),
            FirstSegment = rows.Count == 0 ? new SegmentId(3) : rows[0].Segment,
            LastSegment = rows.Count == 0 ? new SegmentId(3) : rows[^1].Segment,
            ClusterId = Cluster,
        };
        var end = new byte[SegmentFooter.Size];
        footer.Write(end);
        return [.. blocks.SelectMany(block => block), .. index, .. end];
    }

    public static SegmentManifest Manifest() => new()
    {
        FormatVersion = SegmentManifest.Version,
        ClusterId = Cluster,
        LogId = new LogId(7),
        FirstSeg = new SegmentId(10),
        LastSeg = new SegmentId(12),
        BaseOffset = new Offset(40_960),
        EntryCount = 1_500,
        JobToken = 9_001,
        WrittenBy = "1.0.0",
        Segments =
        [
            new ManifestSegment(new SegmentId(10), new LogEpoch(8), new Offset(40_960), new EntryId(999), 0x9A0C44BE01D2F377),
            new ManifestSegment(new SegmentId(11), new LogEpoch(8), new Offset(41_960), EntryId.None, 1),
            new ManifestSegment(new SegmentId(12), new LogEpoch(9), new Offset(41_960), new EntryId(499), 2),
        ],
        Objects =
        [
            new ManifestObject(
                ObjectNames.Segment(new LogId(7), new SegmentId(10), 9_001, 1), 268_435_456, 0xE3069283,
                "c1000000000000000000000000000001", new Offset(40_960), 1_200, "standard"),
            new ManifestObject(
                ObjectNames.Segment(new LogId(7), new SegmentId(10), 9_001, 2), 1_000, 7,
                "c1000000000000000000000000000002", new Offset(42_160), 300, "standard"),
        ],
    };

    private static byte[] Write(in BlockHeader header, ReadOnlySpan<byte> raw)
    {
        var block = new byte[Block.SizeOf(raw.Length)];
        Block.Write(header, Crc32C.Compute(raw), raw, block);
        return block;
    }
}
