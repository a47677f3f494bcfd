using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Compaction.Stages;

/// <summary>One transaction: the first key covers all, the others are gone, the old objects are gc records (C2, C3).</summary>
internal sealed class PublishStage(ManifestPublisher publisher, TimeProvider time, TimeSpan grace)
{
    public async ValueTask<PublishedCheckpoint> RunAsync(
        MergeTask task, VerifiedCheckpoint verified, CancellationToken cancellationToken)
    {
        var (first, last) = (task.Keys[0].Value, task.Keys[^1].Value);
        var manifest = verified.Copied.Manifest;

        // X3: fields of the first key that this build does not know stay. Everything that speaks of the end comes from
        // the last key; the members of single segments have no meaning for a run of them.
        var merged = first with
        {
            LastSegment = manifest.LastSeg,
            LastEntry = new EntryId((long)manifest.EntryCount - 1),
            Chain = last.Chain,
            Epoch = last.Epoch,
            Ensemble = [],
            LastSlot = null,
            SealedBy = last.SealedBy,
            SealedAt = last.SealedAt,
            SealNonce = last.SealNonce,
            Lost = last.Lost,
            Manifest = verified.Copied.Reference,
            StoredBytes = ManifestPublisher.StoredBytes(manifest),
        };
        var published = await publisher.PublishMergeAsync(
            task.Job, [.. task.Keys.Select(static key => key.Key)], merged, manifest, Replaced(task, verified), cancellationToken);
        return new PublishedCheckpoint(published);
    }

    private IReadOnlyList<GcValue> Replaced(MergeTask task, VerifiedCheckpoint verified)
    {
        var objects = new List<string>();
        for (var i = 0; i < task.Keys.Count; i++)
        {
            objects.AddRange(verified.Copied.Sources[i].Objects.Select(static described => described.Key));
            objects.Add(task.Keys[i].Value.Manifest!.Key);
        }

        var records = GcRecords.Of(objects, new GcValue
        {
            MinOffset = verified.Copied.Manifest.BaseOffset,
            MaxOffset = verified.Copied.Manifest.BaseOffset + Math.Max(0, (long)verified.Copied.Manifest.EntryCount - 1),
            NotBefore = (time.GetUtcNow() + grace).ToUnixTimeMilliseconds() * 1000,
            Reason = "replaced by a merge",
        });
        Invariant.Check(records.Count <= GcRecords.MaxRecords, "a merge replaces no more objects than one transaction can name");
        return records;
    }
}
