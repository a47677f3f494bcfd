using Woodpecker.Format.Objects;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Compaction.Stages;

/// <summary>
/// Reads the old objects, verifies every block and entry, and writes the same entries into new objects and a new manifest.
/// Offsets, entry checksums and per-segment chains stay what they are. Of the headers the one before the first entry stays:
/// with the entries it tells the state at the end (T8), which the others only repeat (C1).
/// </summary>
internal sealed class CopyStage(IObjectStore store, SegmentObjectOptions options)
{
    private readonly ManifestLoader _manifests = new(store);
    private readonly ManifestRuns _runs = new(store);

    public async ValueTask<CopiedCheckpoint> RunAsync(MergeTask task, CancellationToken cancellationToken)
    {
        var sources = new List<SegmentManifest>(task.Keys.Count);
        foreach (var key in task.Keys)
            sources.Add(await LoadAsync(task, key, cancellationToken));

        using var writer = new SegmentObjectWriter(
            store, options, new ObjectWriterIdentity(task.ClusterId, task.Job.Log, task.Job.Segment, task.Job.Token));
        ulong copied = 0;
        foreach (var source in sources)
        {
            var header = copied == 0 ? await _runs.ReadHeaderAsync(source, cancellationToken) : null;
            await CopyAsync(source, header, writer, cancellationToken);
            copied += source.EntryCount;
        }

        var (segments, objects) = await writer.CompleteAsync(cancellationToken);

        var lost = task.Keys[^1].Value.Lost;
        var manifest = new SegmentManifest
        {
            FormatVersion = SegmentManifest.Version,
            ClusterId = task.ClusterId,
            LogId = task.Job.Log,
            FirstSeg = sources[0].FirstSeg,
            LastSeg = sources[^1].LastSeg,
            BaseOffset = sources[0].BaseOffset,
            EntryCount = sources.Aggregate(0ul, static (sum, source) => sum + source.EntryCount),
            JobToken = task.Job.Token,
            WrittenBy = options.WrittenBy,
            Segments = segments,
            Objects = objects,
            Lost = lost is null ? [] : [new ManifestLostRange(lost.From, lost.To)],
        };
        var reference = await OwnObjects.PutManifestAsync(store, manifest, cancellationToken);
        return new CopiedCheckpoint(manifest, reference, sources);
    }

    private async ValueTask<SegmentManifest> LoadAsync(
        MergeTask task, SegmentKeyEntry key, CancellationToken cancellationToken)
    {
        var loaded = await _manifests.LoadAsync(task.ClusterId, task.Job.Log, key.Id, key.Value, cancellationToken);
        return loaded.Manifest ?? throw new SourceException(
            loaded.Answer == ManifestAnswer.Missing ? SourceFault.Missing : SourceFault.Damaged, loaded.Detail);
    }

    private async ValueTask CopyAsync(
        SegmentManifest source, (SegmentId Segment, ReadOnlyMemory<byte> Encoded)? header, SegmentObjectWriter writer,
        CancellationToken cancellationToken)
    {
        await using var runs = _runs.ReadAsync(source, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var hasRun = await runs.MoveNextAsync();
        foreach (var segment in source.Segments)
        {
            writer.BeginSegment(
                new CopiedSegment(segment.SegId, segment.Epoch, segment.BaseOffset, segment.LastEntry, segment.Chain),
                header is { } kept && kept.Segment == segment.SegId ? kept.Encoded.Span : []);
            for (; hasRun && runs.Current.Segment == segment.SegId; hasRun = await runs.MoveNextAsync())
                await writer.AddAsync(runs.Current.Run, cancellationToken);
            await writer.EndSegmentAsync(cancellationToken);
        }

        if (hasRun)
            throw new SourceException(SourceFault.Damaged, $"Segment {runs.Current.Segment} has blocks outside its manifest's order.");
    }
}
