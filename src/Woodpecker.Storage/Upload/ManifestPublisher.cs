using Woodpecker.Format.Objects;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>Makes manifests count: HEAD of everything, then one transaction, nothing else (U6, INV-21).</summary>
/// <remarks>
/// Threads: any. Errors: <see cref="ObjectStoreException"/>, or <see cref="Metadata.MetadataException"/>; if the latter is
/// Unknown, nothing may be deleted, not even one's own new objects (C6, X7).
/// </remarks>
public sealed class ManifestPublisher(IObjectStore store, JobTransactions jobs)
{
    /// <summary>Publish: a sealed segment becomes Compacted.</summary>
    /// <returns>The published segment, or null if the job or the segment is no longer ours.</returns>
    public async ValueTask<Versioned<SegmentValue>?> PublishAsync(
        Job job, Versioned<SegmentValue> segment, ManifestReference reference, SegmentManifest manifest,
        IReadOnlyList<GcValue> gc, CancellationToken cancellationToken)
    {
        await CheckAsync(reference, manifest, cancellationToken);
        return await jobs.PublishAsync(job, segment, reference, StoredBytes(manifest), gc, cancellationToken);
    }

    /// <summary>Republish: objects written again of a segment whose published ones are damaged (C7).</summary>
    /// <returns>The segment, or null if the job or the segment is no longer ours.</returns>
    public async ValueTask<Versioned<SegmentValue>?> RepublishAsync(
        Job job, Versioned<SegmentValue> segment, ManifestReference reference, SegmentManifest manifest,
        CancellationToken cancellationToken)
    {
        await CheckAsync(reference, manifest, cancellationToken);
        return await jobs.RepublishAsync(job, segment, reference, StoredBytes(manifest), cancellationToken);
    }

    /// <summary>PublishMerge: adjacent published keys become one.</summary>
    /// <returns>The merged key, or null if anything changed meanwhile.</returns>
    public async ValueTask<Versioned<SegmentValue>?> PublishMergeAsync(
        Job job, IReadOnlyList<Versioned<SegmentValue>> segments, SegmentValue merged, SegmentManifest manifest,
        IReadOnlyList<GcValue> gc, CancellationToken cancellationToken)
    {
        await CheckAsync(merged.Manifest!, manifest, cancellationToken);
        return await jobs.PublishMergeAsync(job, segments, merged, gc, cancellationToken);
    }

    /// <summary>Stored bytes of all objects of a manifest.</summary>
    public static long StoredBytes(SegmentManifest manifest) => manifest.Objects.Sum(static described => described.Length);

    private async ValueTask CheckAsync(
        ManifestReference reference, SegmentManifest manifest, CancellationToken cancellationToken)
    {
        foreach (var described in manifest.Objects)
            await OwnObjects.CheckAsync(store, new ObjectKey(described.Key), described.Length, described.Crc32C, cancellationToken);
        var info = await store.HeadAsync(new ObjectKey(reference.Key), cancellationToken);
        if (info is not { } found || found.Length != reference.Length)
            throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, $"Manifest '{reference.Key}' is not there as it was put.");
    }
}
