using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compression;

namespace Woodpecker.Storage.Tests.Compression;

public sealed class BlockCodecTests
{
    [Theory]
    [InlineData(BlockCodecId.None)]
    [InlineData(BlockCodecId.Lz4)]
    [InlineData(BlockCodecId.Zstd)]
    public void RawBytes_ComeBack(BlockCodecId preferred)
    {
        using var codec = new BlockCodec(preferred);
        foreach (var length in new[] { 0, 1, 100, 255, 256, 1_000, 65_536, 700_000 })
        {
            var raw = Compressible(length);
            var stored = Encode(codec, raw, out var id);
            if (length >= 1_000)
                Assert.Equal(preferred, id);
            var back = new byte[length];
            Assert.Equal(ReadStatus.Ok, Decode(id, raw, stored, back));
            Assert.Equal(raw, back);
        }
    }

    [Theory]
    [InlineData(BlockCodecId.Lz4)]
    [InlineData(BlockCodecId.Zstd)]
    public void RandomBytes_AreStoredRaw(BlockCodecId preferred)
    {
        using var codec = new BlockCodec(preferred);
        var raw = new byte[10_000];
        new Random(1).NextBytes(raw);
        Assert.Equal(raw, Encode(codec, raw, out var id));
        Assert.Equal(BlockCodecId.None, id);
    }

    [Fact]
    public void ARatioThatReadersRefuse_IsNeverWritten()
    {
        using var codec = new BlockCodec();
        var raw = new byte[4_000_000];
        var stored = Encode(codec, raw, out _);
        Assert.True(raw.Length <= (long)stored.Length * Limits.MaxCompressionRatio);
    }

    [Fact]
    public void EqualBytes_AreStoredEqually()
    {
        using var one = new BlockCodec();
        using var other = new BlockCodec();
        Encode(other, Compressible(100_000), out _);
        Assert.Equal(Encode(one, Compressible(50_000), out _), Encode(other, Compressible(50_000), out _));
    }

    [Theory]
    [InlineData(BlockCodecId.Lz4)]
    [InlineData(BlockCodecId.Zstd)]
    public void EveryTruncation_IsDetected(BlockCodecId preferred)
    {
        using var codec = new BlockCodec(preferred);
        var raw = Compressible(2_000);
        var stored = Encode(codec, raw, out var id);
        for (var length = 0; length < stored.Length; length++)
            Assert.False(Decode(id, raw, stored[..length], new byte[raw.Length]).IsOk);
    }

    [Fact]
    public void ZstdFrame_IsRefusedBeforeDecompression_WhenItsSizeOrWindowDoesNotFit()
    {
        using var codec = new BlockCodec();
        var raw = Compressible(100_000);
        var stored = Encode(codec, raw, out _);
        Assert.True(ZstdFrame.Check(stored, raw.Length).IsOk);
        Assert.Equal(ReadStatusKind.Corrupt, ZstdFrame.Check(stored, raw.Length - 1).Kind);
        Assert.Equal(ReadStatusKind.Corrupt, ZstdFrame.Check(stored, raw.Length + 1).Kind);
        Assert.Equal(ReadStatusKind.Corrupt, ZstdFrame.Check([], 10).Kind);

        // Not single-segment, an 8-byte content size of 100,000 and a window of 2 GiB.
        byte[] bomb = [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 21 << 3, 0xA0, 0x86, 1, 0, 0, 0, 0, 0, 1, 2, 3];
        Assert.Equal(ReadStatusKind.TooLarge, ZstdFrame.Check(bomb, 100_000).Kind);
    }

    [Fact]
    public void BlockWithADictionary_IsUnknown_NotCorrupt()
    {
        var header = new BlockHeader { Flags = BlockFlags.Dictionary, RawLength = 0 };
        Assert.Equal(ReadStatusKind.UnknownVersion, BlockCodec.Decode(header, default, [], []).Kind);
    }

    private static byte[] Encode(BlockCodec codec, byte[] raw, out BlockCodecId id)
    {
        var stored = new byte[BlockCodec.MaxStoredSize(raw.Length)];
        id = codec.Encode(raw, stored, out var length);
        return stored[..length];
    }

    private static ReadStatus Decode(BlockCodecId id, byte[] raw, byte[] stored, byte[] destination)
    {
        var header = new BlockHeader { Codec = id, RawLength = raw.Length, StoredLength = stored.Length };
        var trailer = new BlockTrailer(Crc32C.Compute(stored), Crc32C.Compute(raw), stored.Length);
        return BlockCodec.Decode(header, trailer, stored, destination);
    }

    private static byte[] Compressible(int length)
    {
        var random = new Random(length);
        var raw = new byte[length];
        for (var i = 0; i < length; i++)
            raw[i] = (byte)(i % 97 < 60 ? random.Next(4) : i % 7);
        return raw;
    }
}
