using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Compression;

namespace Woodpecker.Storage.Reading;

/// <summary>Whose block must be at a place: a misdirected or stale one is refused, however intact it is.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of its entry 0.</param>
internal readonly record struct BlockOwner(
    Guid ClusterId, LogId Log, SegmentId Segment, LogEpoch Epoch, Offset BaseOffset);

/// <summary>
/// Reads one block in the order that format.md, section 5, prescribes; every check of V4 but the continuity to
/// neighbours.
/// </summary>
internal static class ObjectReaderBlock
{
    /// <summary>Reads the block at the start of <paramref name="source"/>.</summary>
    /// <param name="source">The block, and perhaps more behind it.</param>
    /// <param name="owner">Whose it must be.</param>
    /// <param name="block">The verified block; null unless Ok.</param>
    /// <param name="trailer">Its trailer.</param>
    public static ReadStatus Read(
        ReadOnlySpan<byte> source, in BlockOwner owner, out CachedBlock? block, out BlockTrailer trailer)
    {
        block = null;
        var status = Block.Open(source, out var header, out trailer, out var stored);
        if (status.IsOk)
            status = CheckOwner(header, owner);
        if (!status.IsOk)
            return status;

        // Allocated only now: the header's checksum and limits held.
        var raw = new byte[header.RawLength];
        status = BlockCodec.Decode(header, trailer, stored, raw);
        if (status.IsOk && !header.IsSegmentHeader)
            status = Block.VerifyEntries(header, raw);
        if (status.IsOk)
            block = new CachedBlock(header, raw);
        return status;
    }

    /// <summary>Checks that a header is the owner's.</summary>
    public static ReadStatus CheckOwner(in BlockHeader header, in BlockOwner owner)
    {
        if (header.ClusterId != owner.ClusterId || header.Log != owner.Log || header.Segment != owner.Segment)
            return ReadStatus.Corrupt("block of another segment", 0);
        // In a fence the epoch is the fencing one, and there are no offsets.
        if (header.IsFence)
            return ReadStatus.Ok;
        if (header.Epoch != owner.Epoch)
            return ReadStatus.Corrupt("block of another epoch", 0);
        return header.FirstOffset == owner.BaseOffset + header.FirstEntry.Value
            ? ReadStatus.Ok
            : ReadStatus.Corrupt("block offset does not fit the segment", 0);
    }

    /// <summary>Adds the entries of a verified block from an offset on.</summary>
    /// <returns>Payload bytes added.</returns>
    public static long AddEntries(CachedBlock block, Offset from, List<LogEntry> entries)
    {
        long bytes = 0;
        var reader = new EntryBodyReader(block.Raw.Span, block.Header.BodyStart);
        while (reader.MoveNext())
        {
            var view = reader.Current;
            if (view.Offset < from)
                continue;
            bytes += view.Payload.Length;
            entries.Add(EntryFactory.Create(view, block.Raw));
        }

        // Memory that was verified once and is never written again must still verify (W2).
        Invariant.Check(reader.Status.Kind == ReadStatusKind.CleanEnd, "INV-30");
        return bytes;
    }
}
