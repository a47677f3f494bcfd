using K4os.Compression.LZ4;
using Woodpecker.Format;
using Woodpecker.Format.Objects;
using ZstdSharp;

namespace Woodpecker.Storage.Compression;

/// <summary>Raw bodies of blocks to stored bytes and back, behind one type: zstd, LZ4, or as they are.</summary>
/// <remarks>
/// Threads:    an instance serves one thread at a time; <see cref="Decode"/> is static and serves any.
/// Determinism: the same raw bytes, options and library version give the same stored bytes on every process (U4).
/// </remarks>
public sealed class BlockCodec : IDisposable
{
    /// <summary>Saving below which bytes are stored raw, in percent: decompression must be worth its time.</summary>
    private const int MinSavingPercent = 10;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    private readonly BlockCodecId _preferred;
    private readonly Compressor? _zstd;

    /// <summary>A codec that prefers <paramref name="preferred"/>.</summary>
    /// <param name="preferred">What to try; a block that gains less than 10 % is stored raw.</param>
    /// <param name="zstdLevel">1 to 3; more costs time a log does not have.</param>
    public BlockCodec(BlockCodecId preferred = BlockCodecId.Zstd, int zstdLevel = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(zstdLevel, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(zstdLevel, 3);
        _preferred = preferred;
        _zstd = preferred == BlockCodecId.Zstd ? new Compressor(zstdLevel) : null;
    }

    /// <summary>Bytes a destination of <see cref="Encode"/> needs for any raw body of this length.</summary>
    public static int MaxStoredSize(int rawLength) =>
        Math.Max(Compressor.GetCompressBound(rawLength), LZ4Codec.MaximumOutputSize(rawLength));

    /// <summary>Stores a raw body.</summary>
    /// <param name="raw">The body; may be empty.</param>
    /// <param name="destination">At least <see cref="MaxStoredSize"/> bytes.</param>
    /// <param name="storedLength">Bytes written to the destination.</param>
    /// <returns>How the bytes are stored.</returns>
    public BlockCodecId Encode(ReadOnlySpan<byte> raw, Span<byte> destination, out int storedLength)
    {
        storedLength = _preferred switch
        {
            _ when raw.IsEmpty => 0,
            BlockCodecId.Zstd => _zstd!.Wrap(raw, destination),
            BlockCodecId.Lz4 => LZ4Codec.Encode(raw, destination),
            _ => 0,
        };

        // The upper bound of the ratio is what readers accept.
        var isWorthIt = storedLength > 0
            && storedLength <= (long)raw.Length * (100 - MinSavingPercent) / 100
            && raw.Length <= (long)storedLength * Limits.MaxCompressionRatio;
        if (isWorthIt)
            return _preferred;
        raw.CopyTo(destination);
        storedLength = raw.Length;
        return BlockCodecId.None;
    }

    /// <summary>Turns stored bytes into the raw body. The stored checksum was checked before; the raw one is checked here.</summary>
    /// <param name="header">The verified header.</param>
    /// <param name="trailer">The verified trailer.</param>
    /// <param name="stored">The verified stored bytes.</param>
    /// <param name="raw">Exactly <see cref="BlockHeader.RawLength"/> bytes; the caller allocated them after the header's limits held.</param>
    public static ReadStatus Decode(
        in BlockHeader header, in BlockTrailer trailer, ReadOnlySpan<byte> stored, Span<byte> raw)
    {
        if ((header.Flags & BlockFlags.Dictionary) != 0)
            return ReadStatus.UnknownVersion("block dictionary", 0);
        if (raw.Length != header.RawLength)
            return ReadStatus.Corrupt("block raw length", 0);
        var status = header.Codec switch
        {
            BlockCodecId.None => Copy(stored, raw),
            BlockCodecId.Lz4 => DecodeLz4(stored, raw),
            BlockCodecId.Zstd => DecodeZstd(stored, raw),
            _ => ReadStatus.UnknownVersion("block codec", 0),
        };
        return status.IsOk ? Block.CheckRaw(header, trailer, raw) : status;
    }

    /// <inheritdoc/>
    public void Dispose() => _zstd?.Dispose();

    private static ReadStatus Copy(ReadOnlySpan<byte> stored, Span<byte> raw)
    {
        if (stored.Length != raw.Length)
            return ReadStatus.Corrupt("block stored length", 0);
        stored.CopyTo(raw);
        return ReadStatus.Ok;
    }

    private static ReadStatus DecodeLz4(ReadOnlySpan<byte> stored, Span<byte> raw) =>
        LZ4Codec.Decode(stored, raw) == raw.Length ? ReadStatus.Ok : ReadStatus.Corrupt("lz4 block", 0);

    private static ReadStatus DecodeZstd(ReadOnlySpan<byte> stored, Span<byte> raw)
    {
        var status = ZstdFrame.Check(stored, raw.Length);
        if (!status.IsOk)
            return status;
        _decompressor ??= new Decompressor();
        try
        {
            return _decompressor.TryUnwrap(stored, raw, out var length) && length == raw.Length
                ? ReadStatus.Ok
                : ReadStatus.Corrupt("zstd frame", 0);
        }
        catch (ZstdException)
        {
            return ReadStatus.Corrupt("zstd frame", 0); // The library reports damage by throwing.
        }
    }
}
