using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Compaction.Stages;

/// <summary>
/// Reads the new objects back from the store and compares them with the old manifests: the same segments, and per segment
/// every entry, by the chain that runs through all of them (C1, INV-39, INV-42).
/// </summary>
internal sealed class VerifyStage(IObjectStore store)
{
    private readonly ManifestRuns _runs = new(store);

    public async ValueTask<VerifiedCheckpoint> RunAsync(CopiedCheckpoint copied, CancellationToken cancellationToken)
    {
        var before = copied.Sources.SelectMany(static source => source.Segments).ToArray();
        if (!before.SequenceEqual(copied.Manifest.Segments))
            throw Different("other segments than before");

        var next = 0;
        var entry = EntryId.None;
        ulong chain = 0;
        await foreach (var (segment, run) in _runs.ReadAsync(copied.Manifest, cancellationToken))
        {
            while (next == 0 || copied.Manifest.Segments[next - 1].SegId != segment)
            {
                EndSegment(before, next - 1, entry, chain);
                if (next == before.Length)
                    throw Different($"blocks of segment {segment} out of order");
                (entry, chain) = (EntryId.None, StartOf(copied.Manifest, before[next]));
                next++;
            }

            if (run.Start.FirstEntry != entry + 1 || run.Start.ChainBefore != chain)
                throw Different($"a break in segment {segment} after entry {entry}");
            (entry, chain) = (run.Start.FirstEntry + (run.Start.Count - 1), run.ChainAfter);
        }

        EndSegment(before, next - 1, entry, chain);
        for (; next < before.Length; next++)
        {
            if (!before[next].LastEntry.IsNone)
                throw Different($"segment {before[next].SegId} is missing");
        }

        await VerifyHeaderAsync(copied, cancellationToken);
        return new VerifiedCheckpoint(copied);
    }

    private async ValueTask VerifyHeaderAsync(CopiedCheckpoint copied, CancellationToken cancellationToken)
    {
        if (copied.Sources.FirstOrDefault(static source => source.EntryCount > 0) is not { } first)
            return;
        var before = await _runs.ReadHeaderAsync(first, cancellationToken);
        var after = await _runs.ReadHeaderAsync(copied.Manifest, cancellationToken);
        if (before?.Segment != after?.Segment || (before is { } kept && !kept.Encoded.Span.SequenceEqual(after!.Value.Encoded.Span)))
            throw Different("another header before the first entry");
    }

    private static void EndSegment(ManifestSegment[] segments, int index, EntryId entry, ulong chain)
    {
        if (index < 0)
            return;
        var expected = segments[index];
        if (entry != expected.LastEntry || (!entry.IsNone && chain != expected.Chain))
            throw Different($"segment {expected.SegId} ends at entry {entry} instead of {expected.LastEntry}, or with another chain");
    }

    private static ulong StartOf(SegmentManifest manifest, ManifestSegment segment) =>
        ChainHash.Start(manifest.LogId, segment.SegId, segment.Epoch, segment.BaseOffset);

    private static SourceException Different(string what) =>
        new(SourceFault.Diverged, $"The merged objects do not hold what was read: {what}.");
}
