using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Objects;

/// <summary>
/// A whole block, in the order in which it must be read: header checksum, limits, stored checksum, (decompression by the
/// owner of the codec), raw checksum, entries, chain.
/// </summary>
public static class Block
{
    /// <summary>Size of a block with <paramref name="storedLength"/> stored bytes, in bytes.</summary>
    public static int SizeOf(int storedLength) => BlockHeader.Size + storedLength + BlockTrailer.Size;

    /// <summary>Writes header, stored bytes and trailer.</summary>
    /// <param name="header">Complete but for <see cref="BlockHeader.StoredLength"/>, which is set here.</param>
    /// <param name="rawCrc">CRC32C of the raw body.</param>
    /// <param name="stored">The raw body as its codec stores it.</param>
    /// <param name="destination">At least <see cref="SizeOf"/> bytes.</param>
    /// <returns>The two checksums that the index repeats.</returns>
    public static BlockChecksums Write(BlockHeader header, uint rawCrc, ReadOnlySpan<byte> stored, Span<byte> destination)
    {
        (header with { StoredLength = stored.Length }).Write(destination);
        stored.CopyTo(destination[BlockHeader.Size..]);
        var storedCrc = header.Codec == BlockCodecId.None ? rawCrc : Crc32C.Compute(stored);
        new BlockTrailer(storedCrc, rawCrc, stored.Length).Write(destination[(BlockHeader.Size + stored.Length)..]);
        return new BlockChecksums(BlockHeader.ReadCrc(destination), storedCrc);
    }

    /// <summary>Checks header, trailer and stored checksum of the block at the start of <paramref name="source"/>.</summary>
    /// <param name="source">The block, and perhaps more behind it.</param>
    /// <param name="header">The header.</param>
    /// <param name="trailer">The trailer.</param>
    /// <param name="stored">The verified stored bytes, a slice of the source.</param>
    public static ReadStatus Open(
        ReadOnlySpan<byte> source, out BlockHeader header, out BlockTrailer trailer, out ReadOnlySpan<byte> stored)
    {
        trailer = default;
        stored = default;
        var status = BlockHeader.Read(source, out header);
        if (!status.IsOk)
            return status;
        if (source.Length < header.BlockLength)
            return ReadStatus.NeedMore;
        var trailerAt = header.HeaderSize + header.StoredLength;
        status = BlockTrailer.Read(source[trailerAt..], out trailer);
        if (!status.IsOk)
            return status with { At = status.At + trailerAt };
        if (trailer.StoredLength != header.StoredLength)
            return ReadStatus.Corrupt("block trailer length", trailerAt);
        var bytes = source.Slice(header.HeaderSize, header.StoredLength);
        if (Crc32C.Compute(bytes) != trailer.StoredCrc)
            return ReadStatus.Corrupt("block stored checksum", header.HeaderSize);
        stored = bytes;
        return ReadStatus.Ok;
    }

    /// <summary>Checks length and checksum of the raw body after decompression.</summary>
    public static ReadStatus CheckRaw(in BlockHeader header, in BlockTrailer trailer, ReadOnlySpan<byte> raw)
    {
        if (raw.Length != header.RawLength)
            return ReadStatus.Corrupt("block raw length", 0);
        return Crc32C.Compute(raw) == trailer.RawCrc ? ReadStatus.Ok : ReadStatus.Corrupt("block raw checksum", 0);
    }

    /// <summary>Verifies every entry of a raw body, their number and the chain.</summary>
    public static ReadStatus VerifyEntries(in BlockHeader header, ReadOnlySpan<byte> raw)
    {
        if (header.Count == 0)
        {
            return header.ChainAfter == header.ChainBefore
                ? ReadStatus.Ok
                : ReadStatus.Corrupt("chain of a block without entries", BlockHeader.ChainAfterAt);
        }

        var entries = new EntryBodyReader(raw, header.BodyStart);
        while (entries.MoveNext())
        {
        }

        if (entries.Status.Kind != ReadStatusKind.CleanEnd)
            return entries.Status;
        return entries.Chain == header.ChainAfter ? ReadStatus.Ok : ReadStatus.Corrupt("chain", BlockHeader.ChainAfterAt);
    }
}

/// <summary>The checksums of a block that the index of its object repeats.</summary>
/// <param name="HeaderCrc">The header's.</param>
/// <param name="StoredCrc">That of the stored bytes.</param>
public readonly record struct BlockChecksums(uint HeaderCrc, uint StoredCrc);
