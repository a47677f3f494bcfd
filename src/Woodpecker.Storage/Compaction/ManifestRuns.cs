using System.Runtime.CompilerServices;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Compaction;

/// <summary>All entries of a manifest in order, block by block, every check made (C1: nothing unverified is copied on).</summary>
internal sealed class ManifestRuns(IObjectStore store)
{
    private const int FetchBytes = 4 * 1024 * 1024;

    private readonly ObjectReaderIndexes _indexes = new(store);
    private readonly ObjectReaderBlocks _blocks = new(store, new BlockCache(0));

    /// <summary>Runs of entries with the segment they belong to; header blocks are left out.</summary>
    public async IAsyncEnumerable<(SegmentId Segment, EntryRun Run)> ReadAsync(
        SegmentManifest manifest, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var described in manifest.Objects)
        {
            var index = await CheckAsync(_indexes.LoadAsync(manifest, described, cancellationToken));
            for (var row = 0; row < index.Rows.Length;)
            {
                var blocks = await CheckAsync(_blocks.FetchAsync(
                    manifest, described, index.Rows, row, FetchBytes, cancellationToken));
                row += blocks.Length;
                foreach (var block in blocks)
                {
                    if (block.Header.Count > 0)
                        yield return (block.Header.Segment, new EntryRun(block.Raw, block.Header.BodyStart, block.Header.ChainAfter));
                }
            }
        }
    }

    /// <summary>The header block at the start, with the segment it belongs to; null if there is none.</summary>
    public async ValueTask<(SegmentId Segment, ReadOnlyMemory<byte> Encoded)?> ReadHeaderAsync(
        SegmentManifest manifest, CancellationToken cancellationToken)
    {
        if (manifest.Objects.Count == 0)
            return null;
        var index = await CheckAsync(_indexes.LoadAsync(manifest, manifest.Objects[0], cancellationToken));
        if (index.Rows.Length == 0 || index.Rows[0].Count > 0)
            return null;
        var blocks = await CheckAsync(_blocks.FetchAsync(manifest, manifest.Objects[0], index.Rows, 0, 0, cancellationToken));
        return (blocks[0].Header.Segment, blocks[0].Raw);
    }

    private static async ValueTask<T> CheckAsync<T>(ValueTask<ObjectRead<T>> reading)
    {
        try
        {
            var read = await reading;
            return read.Answer switch
            {
                SourceAnswer.Entries => read.Value!,
                SourceAnswer.Missing => throw new SourceException(SourceFault.Missing, read.Detail),
                _ => throw new SourceException(SourceFault.Damaged, read.Detail),
            };
        }
        catch (ObjectStoreException e) when (ObjectReaderAnswers.From(e) == SourceAnswer.Corrupt)
        {
            throw new SourceException(SourceFault.Damaged, e.Message); // The store noticed it itself.
        }
    }
}
