using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Upload;

/// <summary>How an upload ended.</summary>
public enum UploadOutcome
{
    /// <summary>The segment is published.</summary>
    Published,

    /// <summary>Another process holds the segment, or it changed: look at metadata again.</summary>
    NotOurs,
}

/// <summary>
/// The whole way of one sealed segment into objects: take the job, copy, publish, give the job up (U2..U6). Repeating it
/// is harmless at every point: names carry the job's token, and only the transaction counts.
/// </summary>
/// <remarks>
/// Threads: any; bounded by the caller (C8).
/// Errors:  those of <see cref="SegmentUploader"/> and <see cref="ManifestPublisher"/>; OperationCanceledException when
///          the lease was lost or the job got too old.
/// </remarks>
public sealed class UploadJob(
    SegmentUploader uploader,
    ManifestPublisher publisher,
    JobTransactions jobs,
    ILeaseStore leases,
    TimeProvider time,
    string holder)
{
    /// <summary>Time that replaced slots stay readable for readers with older metadata (C3).</summary>
    public TimeSpan SlotGrace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Uploads and publishes a sealed QuorumBuffer segment from this process's copy.</summary>
    /// <param name="clusterId">The cluster.</param>
    /// <param name="log">The log.</param>
    /// <param name="id">The segment.</param>
    /// <param name="segment">Its key as last read; Sealed.</param>
    /// <param name="frames">The copy.</param>
    /// <param name="cancellationToken">Stops the job.</param>
    public ValueTask<UploadOutcome> RunAsync(
        Guid clusterId, LogId log, SegmentId id, Versioned<SegmentValue> segment, IFrameSource frames,
        CancellationToken cancellationToken) =>
        RunAsync(
            log, id, segment,
            (job, token) => uploader.UploadAsync(clusterId, job, segment.Value, frames, token), [], cancellationToken);

    /// <summary>Copies the slots of a sealed MemoryBuffer segment into objects; the slots become a gc record (B9).</summary>
    public ValueTask<UploadOutcome> RunSlotsAsync(
        Guid clusterId, LogId log, SegmentId id, Versioned<SegmentValue> segment, CancellationToken cancellationToken) =>
        RunAsync(
            log, id, segment,
            (job, token) => uploader.UploadSlotsAsync(clusterId, job, segment.Value, token),
            SlotGc(id, segment.Value), cancellationToken);

    /// <summary>Publishes the empty manifest of a sealed segment without entries, which needs no copy of anything.</summary>
    public ValueTask<UploadOutcome> RunEmptyAsync(
        Guid clusterId, LogId log, SegmentId id, Versioned<SegmentValue> segment, CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.LastEntry is { IsNone: true }, "only an empty segment needs no copy");
        return RunAsync(
            log, id, segment,
            (job, token) => uploader.UploadAsync(clusterId, job, segment.Value, NoFrames.Instance, token),
            SlotGc(id, segment.Value), cancellationToken);
    }

    /// <summary>Writes the objects of a Compacted segment again from this process's copy, under new names (C7).</summary>
    public async ValueTask<UploadOutcome> RunAgainAsync(
        Guid clusterId, LogId log, SegmentId id, Versioned<SegmentValue> segment, IFrameSource frames,
        CancellationToken cancellationToken)
    {
        await using var lease = await JobLease.TryAcquireAsync(
            jobs, leases, time, log, id, segment, JobKind.Upload, holder, cancellationToken);
        if (lease is null)
            return UploadOutcome.NotOurs;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lease.Stopping, cancellationToken);
        var uploaded = await uploader.UploadAsync(clusterId, lease.Job, segment.Value, frames, either.Token);
        var published = await publisher.RepublishAsync(lease.Job, segment, uploaded.Reference, uploaded.Manifest, either.Token);
        return published is null ? UploadOutcome.NotOurs : UploadOutcome.Published;
    }

    private async ValueTask<UploadOutcome> RunAsync(
        LogId log, SegmentId id, Versioned<SegmentValue> segment,
        Func<Job, CancellationToken, ValueTask<UploadedSegment>> upload, IReadOnlyList<GcValue> gc,
        CancellationToken cancellationToken)
    {
        await using var lease = await JobLease.TryAcquireAsync(
            jobs, leases, time, log, id, segment, JobKind.Upload, holder, cancellationToken);
        if (lease is null)
            return UploadOutcome.NotOurs;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lease.Stopping, cancellationToken);
        var uploaded = await upload(lease.Job, either.Token);
        var published = await publisher.PublishAsync(
            lease.Job, segment, uploaded.Reference, uploaded.Manifest, gc, either.Token);
        return published is null ? UploadOutcome.NotOurs : UploadOutcome.Published;
    }

    private GcValue[] SlotGc(SegmentId id, SegmentValue value)
    {
        // Also of an empty segment: slots beyond its end may have been stored and never counted (B9, B11).
        if (value.Mode != LogMode.MemoryBuffer)
            return [];
        return
        [
            new GcValue
            {
                SlotSegment = id,
                SlotLast = value.LastSlot,
                MinOffset = value.BaseOffset!.Value,
                MaxOffset = value.BaseOffset.Value + Math.Max(0, value.LastEntry!.Value.Value),
                NotBefore = (time.GetUtcNow() + SlotGrace).ToUnixTimeMilliseconds() * 1000,
                Reason = "slots replaced by segment objects",
            },
        ];
    }
}
