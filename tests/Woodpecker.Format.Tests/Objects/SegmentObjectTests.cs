using Woodpecker.Format.Objects;

namespace Woodpecker.Format.Tests.Objects;

public sealed class SegmentObjectTests
{
    [Fact]
    public void Object_GivesBackItsIndex()
    {
        var bytes = Whole();
        Assert.True(SegmentFooter.Read(bytes, bytes.Length, out var footer).IsOk);
        Assert.Equal(2, footer.BlockCount);
        Assert.Equal(4UL, footer.EntryCount);
        Assert.True(ReadIndex(bytes, footer, out var rows).IsOk);
        Assert.Equal(0, rows[0].Count);
        Assert.Equal(4, rows[1].Count);
        Assert.True(Block.Open(bytes.AsSpan((int)rows[1].Position), out var header, out _, out _).IsOk);
        Assert.Equal(rows[1].FirstOffset, header.FirstOffset);
        Assert.Equal(1, BlockIndex.Find(rows, new Offset(1_013)));
        Assert.Equal(-1, BlockIndex.Find(rows, new Offset(1_014)));
        Assert.Equal(-1, BlockIndex.Find(rows, new Offset(999)));
    }

    [Fact]
    public void ObjectWithoutBlocks_IsLegal()
    {
        var bytes = ObjectSamples.Object();
        Assert.Equal(SegmentFooter.Size, bytes.Length);
        Assert.True(SegmentFooter.Read(bytes, bytes.Length, out var footer).IsOk);
        Assert.True(ReadIndex(bytes, footer, out var rows).IsOk);
        Assert.Empty(rows);
    }

    [Fact]
    public void FooterAndIndex_FindEveryFlippedBit()
    {
        var bytes = Whole();
        SegmentFooter.Read(bytes, bytes.Length, out var intact);
        Damage.FlipEveryBit(
            bytes,
            damaged => !SegmentFooter.Read(damaged, damaged.Length, out var footer).IsOk || !ReadIndex(damaged, footer, out _).IsOk,
            (0, (int)intact.IndexPosition));
    }

    [Fact]
    public void Footer_IsBoundToTheLengthOfItsObject()
    {
        var bytes = Whole();
        Assert.Equal(ReadStatusKind.Corrupt, SegmentFooter.Read(bytes, bytes.Length + 1, out _).Kind);
        Assert.Equal(ReadStatusKind.Corrupt, SegmentFooter.Read(bytes, bytes.Length - 1, out _).Kind);
        Assert.Equal(ReadStatusKind.NeedMore, SegmentFooter.Read(bytes.AsSpan(0, 95), 95, out _).Kind);
    }

    [Fact]
    public void Index_RefusesRowsThatContradictEachOther()
    {
        var bytes = Whole();
        SegmentFooter.Read(bytes, bytes.Length, out var footer);
        ReadIndex(bytes, footer, out var rows);
        Func<BlockIndexEntry, BlockIndexEntry>[] mistakes =
        [
            row => row with { Position = row.Position - 1 },
            row => row with { Position = footer.IndexPosition },
            row => row with { Position = long.MaxValue },
            row => row with { Position = -1 },
            row => row with { FirstOffset = row.FirstOffset + 1 },
            row => row with { FirstOffset = new Offset(0) },
            row => row with { Count = 0 },
            row => row with { Count = 5 },
            row => row with { Count = -1 },
            row => row with { StoredLength = row.StoredLength + 1 },
            row => row with { StoredLength = -1 },
            row => row with { StoredLength = int.MaxValue },
            row => row with { Segment = new SegmentId(2) },
            row => row with { Segment = new SegmentId(4) },
            row => row with { FirstEntry = EntryId.None },
        ];
        foreach (var mistake in mistakes)
            Assert.False(BlockIndex.Check([rows[0], mistake(rows[1])], footer).IsOk);
        Assert.True(BlockIndex.Check(rows, footer).IsOk);
    }

    private static byte[] Whole()
    {
        // The header block's offset is the segment's base, 1000; the entries of the sample begin at 1010.
        var header = ObjectSamples.HeaderBlock();
        BlockHeader.Read(header, out var fields);
        (fields with { FirstOffset = new Offset(1_010), FirstEntry = new EntryId(10) }).Write(header);
        return ObjectSamples.Object(header, ObjectSamples.EntryBlock());
    }

    private static ReadStatus ReadIndex(byte[] bytes, in SegmentFooter footer, out BlockIndexEntry[] rows) =>
        BlockIndex.Read(bytes.AsSpan((int)footer.IndexPosition, footer.IndexLength), footer, out rows);
}
