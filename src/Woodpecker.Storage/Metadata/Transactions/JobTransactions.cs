using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>A held job: the lease on a segment and its fencing token.</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment; of a merge, the first one.</param>
/// <param name="Token">create_revision of the job key: the true fence of X9 and part of object names.</param>
/// <param name="LeaseId">The lease that keeps the key.</param>
public sealed record Job(LogId Log, SegmentId Segment, long Token, long LeaseId);

/// <summary>JobAcquire, Publish and PublishMerge of docs/PROTOCOL.md: background work on sealed segments only (X4, INV-26).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class JobTransactions(TransactionRunner runner)
{
    /// <summary>JobAcquire: takes the segment for one process.</summary>
    /// <returns>The job, or null if another holds the segment or the segment changed.</returns>
    public async ValueTask<Job?> AcquireAsync(
        LogId log,
        SegmentId id,
        Versioned<SegmentValue> segment,
        JobKind kind,
        string holder,
        long leaseId,
        CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.State is SegmentState.Sealed or SegmentState.Compacted, "INV-26");
        var key = MetadataKeys.Job(log, id);
        var nonce = runner.NewNonce();
        var transaction = new MetadataTransaction()
            .WhenAbsent(key)
            .WhenModRevision(segment.Key, segment.ModRevision)
            .Put(key, MetadataJson.Write(new JobValue { Nonce = nonce, Kind = kind, Holder = holder }), leaseId);
        var result = await runner.RunAsync<JobValue>(transaction, key, nonce, cancellationToken);
        return result.Landed ? new Job(log, id, result.Revision, leaseId) : null;
    }

    /// <summary>Gives a job up without publishing.</summary>
    public async ValueTask ReleaseAsync(Job job, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Job(job.Log, job.Segment);
        await runner.RunAsync(
            new MetadataTransaction().WhenCreateRevision(key, job.Token).Delete(key),
            key,
            entry => entry is null || entry.CreateRevision != job.Token,
            cancellationToken);
    }

    /// <summary>Publish: names the verified objects of a sealed segment; the commit point of an upload.</summary>
    /// <param name="job">The held job.</param>
    /// <param name="segment">The Sealed segment as last read.</param>
    /// <param name="manifest">The verified manifest.</param>
    /// <param name="storedBytes">Stored bytes of the objects.</param>
    /// <param name="gc">Objects that are replaced (slots of MemoryBuffer), or empty.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown and nothing may be deleted (C6).</param>
    /// <returns>The Compacted segment, or null if the job or the segment is no longer ours to publish.</returns>
    public ValueTask<Versioned<SegmentValue>?> PublishAsync(
        Job job,
        Versioned<SegmentValue> segment,
        ManifestReference manifest,
        long storedBytes,
        IReadOnlyList<GcValue> gc,
        CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.State == SegmentState.Sealed, "Publish takes a Sealed segment");
        var value = segment.Value with { State = SegmentState.Compacted, Manifest = manifest, StoredBytes = storedBytes };
        return PublishAsync(job, [segment], value, gc, cancellationToken);
    }

    /// <summary>PublishMerge: replaces adjacent published keys by one; the old objects become gc records in the same step (C2, C3).</summary>
    /// <param name="job">The job held on the first segment.</param>
    /// <param name="segments">The adjacent Compacted keys as last read, 2 to 60; never the log's newest key.</param>
    /// <param name="merged">The value of the first key: covers all, with the new manifest.</param>
    /// <param name="gc">The replaced objects.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown.</param>
    /// <returns>The merged key, or null if anything changed meanwhile.</returns>
    public ValueTask<Versioned<SegmentValue>?> PublishMergeAsync(
        Job job,
        IReadOnlyList<Versioned<SegmentValue>> segments,
        SegmentValue merged,
        IReadOnlyList<GcValue> gc,
        CancellationToken cancellationToken)
    {
        Invariant.Check(segments.Count is > 1 and <= Limits.MaxTransactionSegments, "PublishMerge takes 2 to 60 keys");
        foreach (var segment in segments)
            Invariant.Check(segment.Value.State == SegmentState.Compacted, "PublishMerge takes Compacted segments");
        Invariant.Check(merged.State == SegmentState.Compacted && merged.Manifest is not null, "INV-21");
        return PublishAsync(job, segments, merged, gc, cancellationToken);
    }

    /// <summary>
    /// Republish: names objects that were written again of a Compacted segment whose published ones are damaged. Nothing but
    /// the manifest changes (INV-15); the old objects become orphans of a dead job (C4).
    /// </summary>
    /// <returns>The segment, or null if the job or the segment is no longer ours to publish.</returns>
    public ValueTask<Versioned<SegmentValue>?> RepublishAsync(
        Job job, Versioned<SegmentValue> segment, ManifestReference manifest, long storedBytes, CancellationToken cancellationToken)
    {
        Invariant.Check(
            segment.Value is { State: SegmentState.Compacted, LastSegment: null }, "only a segment of its own is written again");
        var value = segment.Value with { Manifest = manifest, StoredBytes = storedBytes };
        return PublishAsync(job, [segment], value, [], cancellationToken);
    }

    private async ValueTask<Versioned<SegmentValue>?> PublishAsync(
        Job job,
        IReadOnlyList<Versioned<SegmentValue>> segments,
        SegmentValue value,
        IReadOnlyList<GcValue> gc,
        CancellationToken cancellationToken)
    {
        var first = segments[0];
        var jobKey = MetadataKeys.Job(job.Log, job.Segment);
        Invariant.Check(first.Key == MetadataKeys.Segment(job.Log, job.Segment), "a job publishes its own segment");
        var nonce = runner.NewNonce();
        var written = value with { Nonce = nonce };
        var transaction = new MetadataTransaction().WhenCreateRevision(jobKey, job.Token);
        foreach (var segment in segments)
            transaction.WhenModRevision(segment.Key, segment.ModRevision);
        transaction.Put(first.Key, MetadataJson.Write(written));
        for (var i = 1; i < segments.Count; i++)
            transaction.Delete(segments[i].Key);
        for (var i = 0; i < gc.Count; i++)
        {
            var id = FormattableString.Invariant($"{job.Token:x16}-{i:D4}");
            transaction.Put(MetadataKeys.Gc(job.Log, id), MetadataJson.Write(gc[i] with { Nonce = nonce }));
        }

        transaction.Delete(jobKey);
        // What was known of the old objects says nothing about the new ones.
        if (first.Value.State == SegmentState.Compacted)
            transaction.Delete(MetadataKeys.Damage(job.Log, job.Segment));

        // X6: the manifest in the segment key decides, since later jobs keep or replace it but never invent ours.
        var manifestKey = written.Manifest!.Key;
        var result = await runner.RunAsync(
            transaction,
            first.Key,
            entry => entry is not null && MetadataJson.Read<SegmentValue>(entry).Manifest?.Key == manifestKey,
            cancellationToken);
        return result.Landed
            ? new Versioned<SegmentValue>(first.Key, written, first.CreateRevision, result.Revision)
            : null;
    }
}
