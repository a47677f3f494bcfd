using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Blocks of published objects, each held against its index row, its manifest and the ends of its segment's chain.
/// </summary>
internal sealed class ObjectReaderBlocks(IObjectStore store, BlockCache cache)
{
    /// <summary>Largest single read of adjacent blocks, in stored bytes.</summary>
    private const int MaxFetchBytes = 4 * 1024 * 1024;

    /// <summary>One block from the cache, or this and following ones by one ranged read.</summary>
    public async ValueTask<ObjectRead<CachedBlock[]>> FetchAsync(
        SegmentManifest manifest, ManifestObject described, BlockIndexEntry[] rows, int row, long wantedBytes,
        CancellationToken cancellationToken)
    {
        if (cache.Find(described.Key, rows[row].Position) is { } cached)
            return ObjectRead<CachedBlock[]>.Of([cached]);
        var last = row;
        long length = rows[row].BlockLength;
        var limit = Math.Min(wantedBytes, MaxFetchBytes);
        while (last + 1 < rows.Length
            && length + rows[last + 1].BlockLength <= limit
            && rows[last + 1].Position == rows[last].Position + rows[last].BlockLength
            && cache.Find(described.Key, rows[last + 1].Position) is null)
        {
            last++;
            length += rows[last].BlockLength;
        }

        var data = await store.GetAsync(
            new ObjectKey(described.Key), ByteRange.From(rows[row].Position, length), (int)length, cancellationToken);
        if (data is not { } found)
            return ObjectRead<CachedBlock[]>.Failed(SourceAnswer.Missing, $"object {described.Key} does not exist");
        var blocks = new CachedBlock[last - row + 1];
        for (var i = 0; i < blocks.Length; i++)
        {
            var at = (int)(rows[row + i].Position - rows[row].Position);
            if (at > found.Bytes.Length)
                return Corrupt(described, rows[row + i], ReadStatus.NeedMore);
            var status = ReadBlock(manifest, rows[row + i], found.Bytes.Span[at..], out var block);
            if (!status.IsOk)
                return Corrupt(described, rows[row + i], status);
            cache.Add(described.Key, rows[row + i].Position, block!);
            blocks[i] = block!;
        }

        return ObjectRead<CachedBlock[]>.Of(blocks);
    }

    private static ReadStatus ReadBlock(
        SegmentManifest manifest, in BlockIndexEntry row, ReadOnlySpan<byte> source, out CachedBlock? block)
    {
        var segment = manifest.Segments[(int)(row.Segment.Value - manifest.FirstSeg.Value)];
        var owner = new BlockOwner(manifest.ClusterId, manifest.LogId, segment.SegId, segment.Epoch, segment.BaseOffset);
        var status = ObjectReaderBlock.Read(source, owner, out block, out var trailer);
        if (!status.IsOk)
            return status;
        var header = block!.Header;
        if (BlockHeader.ReadCrc(source) != row.HeaderCrc || trailer.StoredCrc != row.StoredCrc
            || header.FirstOffset != row.FirstOffset || header.FirstEntry != row.FirstEntry || header.Count != row.Count)
        {
            return ReadStatus.Corrupt("block is not the one of the index", 0);
        }

        // INV-39: the ends of the segment anchor the chain that runs through its blocks.
        var startsRight = header.FirstEntry.Value > 0
            || header.ChainBefore == ChainHash.Start(owner.Log, owner.Segment, owner.Epoch, owner.BaseOffset);
        var endsRight = header.Count == 0 || header.FirstEntry + (header.Count - 1) != segment.LastEntry
            || header.ChainAfter == segment.Chain;
        return startsRight && endsRight ? ReadStatus.Ok : ReadStatus.Corrupt("chain at an end of the segment", 0);
    }

    private static ObjectRead<CachedBlock[]> Corrupt(ManifestObject described, in BlockIndexEntry row, ReadStatus status) =>
        ObjectRead<CachedBlock[]>.Failed(
            SourceAnswer.Corrupt, $"object {described.Key}, block at {row.Position}: {status}");
}
