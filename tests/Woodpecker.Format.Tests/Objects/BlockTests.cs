using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;

namespace Woodpecker.Format.Tests.Objects;

public sealed class BlockTests
{
    [Fact]
    public void Block_GivesBackHeaderAndEntries()
    {
        var block = ObjectSamples.EntryBlock();
        Assert.True(Block.Open(block, out var header, out var trailer, out var stored).IsOk);
        Assert.Equal(block.Length, header.BlockLength);
        Assert.Equal(ObjectSamples.Cluster, header.ClusterId);
        Assert.Equal(0xABCDUL, header.WriterNonce);
        Assert.True(Block.CheckRaw(header, trailer, stored).IsOk);
        Assert.True(Block.VerifyEntries(header, stored).IsOk);
        var entries = new EntryBodyReader(stored, header.BodyStart);
        Assert.True(entries.MoveNext());
        Assert.Equal(new Offset(1_010), entries.Current.Offset);
    }

    [Theory]
    [InlineData("entries")]
    [InlineData("header")]
    [InlineData("fence")]
    public void Block_FindsEveryFlippedBit_AndEveryCut(string kind)
    {
        var block = Sample(kind);
        Damage.FlipEveryBit(block, damaged => !IsIntact(damaged));
        Damage.CutEveryLength(block, cut => Block.Open(cut, out _, out _, out _).Kind == ReadStatusKind.NeedMore);
    }

    // Each check stands for itself: flips of header fields under a recomputed checksum are refused, or change what is
    // bound to the entries, or are values that only the owner can check.
    [Fact]
    public void HeaderCounts_AreChecked_EvenUnderAMatchingChecksum()
    {
        var block = ObjectSamples.EntryBlock();
        BlockHeader.Read(block, out var header);
        (BlockHeader Header, ReadStatusKind Kind)[] cases =
        [
            (header with { Count = header.Count + 1 }, ReadStatusKind.Corrupt),
            (header with { Count = header.Count - 1 }, ReadStatusKind.Corrupt),
            (header with { FirstOffset = header.FirstOffset + 1 }, ReadStatusKind.Corrupt),
            (header with { Log = new LogId(8) }, ReadStatusKind.Corrupt),
            (header with { BaseTimestamp = header.BaseTimestamp + 1 }, ReadStatusKind.Corrupt),
            (header with { ChainAfter = 1 }, ReadStatusKind.Corrupt),
            (header with { ChainBefore = 1 }, ReadStatusKind.Corrupt),
            (header with { Count = int.MaxValue }, ReadStatusKind.Corrupt),
            (header with { Count = -1 }, ReadStatusKind.Corrupt),
            (header with { RawLength = Limits.MaxBlockRawSize + 1 }, ReadStatusKind.TooLarge),
            (header with { RawLength = -1 }, ReadStatusKind.TooLarge),
            (header with { StoredLength = Limits.MaxBlockRawSize + 1 }, ReadStatusKind.TooLarge),
            (header with { Codec = BlockCodecId.Zstd, RawLength = (header.StoredLength * Limits.MaxCompressionRatio) + 1 }, ReadStatusKind.TooLarge),
            (header with { Codec = (BlockCodecId)3 }, ReadStatusKind.UnknownVersion),
            (header with { Flags = BlockFlags.Encrypted }, ReadStatusKind.UnknownVersion),
            (header with { Flags = (BlockFlags)0x8000 }, ReadStatusKind.UnknownVersion),
            (header with { Flags = BlockFlags.Fence }, ReadStatusKind.Corrupt),
            (header with { Flags = BlockFlags.SegmentHeader }, ReadStatusKind.Corrupt),
            (header with { FirstEntry = EntryId.None }, ReadStatusKind.Corrupt),
        ];
        foreach (var (changed, kind) in cases)
        {
            var copy = (byte[])block.Clone();
            changed.Write(copy);
            Assert.Equal(kind, FullRead(copy).Kind);
        }
    }

    [Fact]
    public void LaterMinorVersion_WithALargerHeader_IsRead()
    {
        var block = ObjectSamples.EntryBlock();
        byte[] longer = [.. block[..BlockHeader.Size], .. new byte[16], .. block[BlockHeader.Size..]];
        longer[BlockHeader.MinorAt] = 7;
        BitConverter.TryWriteBytes(longer.AsSpan(BlockHeader.HeaderSizeAt), (ushort)(BlockHeader.Size + 16));
        BitConverter.TryWriteBytes(longer.AsSpan(BlockHeader.HeaderCrcAt), Crc32C.Compute(longer.AsSpan(0, BlockHeader.HeaderCrcAt)));
        Assert.True(FullRead(longer).IsOk);
    }

    [Fact]
    public void UnknownMajorVersion_IsLoud()
    {
        var block = ObjectSamples.EntryBlock();
        block[BlockHeader.MajorAt] = 2;
        BitConverter.TryWriteBytes(block.AsSpan(BlockHeader.HeaderCrcAt), Crc32C.Compute(block.AsSpan(0, BlockHeader.HeaderCrcAt)));
        Assert.Equal(ReadStatusKind.UnknownVersion, FullRead(block).Kind);
    }

    private static byte[] Sample(string kind) => kind switch
    {
        "entries" => ObjectSamples.EntryBlock(),
        "header" => ObjectSamples.HeaderBlock(),
        _ => ObjectSamples.FenceBlock(),
    };

    private static bool IsIntact(byte[] block) => FullRead(block).IsOk;

    private static ReadStatus FullRead(byte[] block)
    {
        var status = Block.Open(block, out var header, out var trailer, out var stored);
        if (!status.IsOk)
            return status;
        status = Block.CheckRaw(header, trailer, stored);
        if (!status.IsOk)
            return status;
        return header.IsSegmentHeader ? SegmentHeader.Read(stored, out _) : Block.VerifyEntries(header, stored);
    }
}
