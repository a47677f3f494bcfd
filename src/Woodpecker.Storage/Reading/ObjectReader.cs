using System.Runtime.CompilerServices;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Reads published segments: manifest, index, then ranged reads of blocks, each held against what named it. Resumes by
/// offset only, so that a merge in between changes nothing (C2, V6, INV-42).
/// </summary>
/// <remarks>
/// Threads: any number of readers share one instance and its caches.
/// Errors:  answers (V2): Missing (404; metadata may have moved on), Corrupt, Unavailable.
/// </remarks>
/// <param name="store">The object store.</param>
/// <param name="cache">Verified blocks, shared with other readers of the process.</param>
/// <param name="clusterId">The cluster's id; every object carries it.</param>
public sealed class ObjectReader(
    IObjectStore store, BlockCache cache, Func<CancellationToken, ValueTask<Guid>> clusterId) : ISegmentSource
{
    // Of a whole segment, so many bytes are asked for at a time.
    private const int BytesPerRead = 4 * 1024 * 1024;

    private readonly ManifestLoader _manifests = new(store);
    private readonly ObjectReaderIndexes _indexes = new(store);
    private readonly ObjectReaderBlocks _blocks = new(store, cache);

    /// <inheritdoc/>
    public async ValueTask<SourceRead> ReadAsync(
        SegmentAddress place, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            var loaded = await LoadAsync(place, cancellationToken);
            if (loaded.Manifest is not { } manifest)
                return SourceRead.Failed(ObjectReaderAnswers.From(loaded.Answer), loaded.Detail);
            return await ReadAsync(manifest, place.Value.LastEntry!.Value, from, maxBytes, cancellationToken);
        }
        catch (ObjectStoreException e)
        {
            return SourceRead.Failed(ObjectReaderAnswers.From(e), e.Message);
        }
    }

    /// <summary>
    /// The header before the first entry of a published key, which carries the state of producers there (T8). Null if its
    /// objects have none: an empty segment has no object.
    /// </summary>
    /// <exception cref="WoodpeckerException">Corrupt or Unavailable: the objects cannot tell.</exception>
    public async ValueTask<SegmentHeader?> ReadHeaderAsync(SegmentAddress place, CancellationToken cancellationToken)
    {
        try
        {
            var loaded = await LoadAsync(place, cancellationToken);
            if (loaded.Manifest is not { } manifest)
                throw Failure(ObjectReaderAnswers.From(loaded.Answer), loaded.Detail);
            if (manifest.Objects.Count == 0)
                return null;
            var index = await _indexes.LoadAsync(manifest, manifest.Objects[0], cancellationToken);
            if (index.Value is null)
                throw Failure(index.Answer, index.Detail);
            if (index.Value.Rows.Length == 0 || index.Value.Rows[0].Count > 0)
                return null;
            var blocks = await _blocks.FetchAsync(manifest, manifest.Objects[0], index.Value.Rows, 0, 0, cancellationToken);
            if (blocks.Value is null)
                throw Failure(blocks.Answer, blocks.Detail);
            var status = SegmentHeader.Read(blocks.Value[0].Raw.Span, out var header);
            return status.IsOk ? header : throw Failure(SourceAnswer.Corrupt, status.ToString());
        }
        catch (ObjectStoreException e)
        {
            throw Failure(ObjectReaderAnswers.From(e), e.Message);
        }
    }

    /// <summary>
    /// Every block of a published segment key in order, each verified; header blocks have no entries.
    /// </summary>
    /// <exception cref="WoodpeckerException">Corrupt or Unavailable: the objects cannot tell.</exception>
    public async IAsyncEnumerable<CachedBlock> ReadBlocksAsync(
        SegmentAddress place, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var loaded = await AskAsync(() => LoadAsync(place, cancellationToken));
        if (loaded.Manifest is not { } manifest)
            throw Failure(ObjectReaderAnswers.From(loaded.Answer), loaded.Detail);
        foreach (var described in manifest.Objects)
        {
            var index = await AskAsync(() => _indexes.LoadAsync(manifest, described, cancellationToken));
            if (index.Value is null)
                throw Failure(index.Answer, index.Detail);
            for (var row = 0; row < index.Value.Rows.Length;)
            {
                var first = row;
                var blocks = await AskAsync(() => _blocks.FetchAsync(
                    manifest, described, index.Value.Rows, first, BytesPerRead, cancellationToken));
                if (blocks.Value is null)
                    throw Failure(blocks.Answer, blocks.Detail);
                foreach (var block in blocks.Value)
                    yield return block;
                row += blocks.Value.Length;
            }
        }
    }

    private static async ValueTask<T> AskAsync<T>(Func<ValueTask<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (ObjectStoreException e)
        {
            throw Failure(ObjectReaderAnswers.From(e), e.Message);
        }
    }

    private async ValueTask<LoadedManifest> LoadAsync(SegmentAddress place, CancellationToken cancellationToken)
    {
        var cluster = await clusterId(cancellationToken);
        return await _manifests.LoadAsync(cluster, place.Log, place.Segment, place.Value, cancellationToken);
    }

    private async ValueTask<SourceRead> ReadAsync(
        SegmentManifest manifest, EntryId lastEntry, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        List<LogEntry> entries = [];
        var next = from;
        long bytes = 0;
        for (var i = FindObject(manifest, from); i < manifest.Objects.Count && IsRoom(entries, bytes, maxBytes); i++)
        {
            var described = manifest.Objects[i];
            var index = await _indexes.LoadAsync(manifest, described, cancellationToken);
            if (index.Value is null)
                return Give(entries, lastEntry, index.Answer, index.Detail);
            var row = BlockIndex.Find(index.Value.Rows, next);
            if (row < 0)
                return Give(entries, lastEntry, SourceAnswer.Corrupt, $"object {described.Key} has no block with offset {next}");
            while (row < index.Value.Rows.Length && IsRoom(entries, bytes, maxBytes))
            {
                var blocks = await _blocks.FetchAsync(
                    manifest, described, index.Value.Rows, row, maxBytes - bytes, cancellationToken);
                if (blocks.Value is null)
                    return Give(entries, lastEntry, blocks.Answer, blocks.Detail);
                foreach (var block in blocks.Value)
                    bytes += ObjectReaderBlock.AddEntries(block, next, entries);
                row += blocks.Value.Length;
                if (entries.Count > 0)
                    next = entries[^1].Offset + 1;
            }
        }

        return Give(entries, lastEntry, SourceAnswer.EndOfSegment, "");
    }

    /// <summary>Entries read before a failure are good; the failure shows when the reader asks on.</summary>
    private static SourceRead Give(List<LogEntry> entries, EntryId lastEntry, SourceAnswer otherwise, string detail)
    {
        if (entries.Count > 0)
            return SourceRead.Of(entries, lastEntry);
        return otherwise == SourceAnswer.EndOfSegment
            ? SourceRead.EndOfSegment(lastEntry)
            : SourceRead.Failed(otherwise, detail);
    }

    private static bool IsRoom(List<LogEntry> entries, long bytes, int maxBytes) =>
        entries.Count == 0 || (bytes < maxBytes && entries.Count < Limits.MaxReadEntries);

    private static int FindObject(SegmentManifest manifest, Offset from)
    {
        for (var i = 0; i < manifest.Objects.Count; i++)
        {
            if (from < manifest.Objects[i].FirstOffset + (long)manifest.Objects[i].EntryCount)
                return i;
        }

        return manifest.Objects.Count;
    }

    private static WoodpeckerException Failure(SourceAnswer answer, string detail) =>
        new(answer == SourceAnswer.Corrupt ? ErrorKind.Corrupt : ErrorKind.Unavailable, detail)
        {
            Reason = answer.ToString(),
        };
}
