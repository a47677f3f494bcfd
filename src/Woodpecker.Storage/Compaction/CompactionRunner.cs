using Woodpecker.Compaction;
using Woodpecker.Storage.Compaction.Stages;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Compaction;

/// <summary>How a merge ended.</summary>
public enum CompactionOutcome
{
    /// <summary>The keys are one.</summary>
    Merged,

    /// <summary>Another process holds the first key, or a key changed: plan again.</summary>
    NotOurs,
}

/// <summary>Sequences one merge: take the job, copy, verify, publish, clean. The stages do the work.</summary>
/// <remarks>
/// Threads: any; one object's memory per call (C8).
/// Errors:  <see cref="SourceException"/> if an old object is missing or damaged or the copy differs: nothing was published;
///          <see cref="ObjectStoreException"/>; <see cref="MetadataException"/>, and if that is Unknown nothing is deleted
///          (C6); OperationCanceledException when the lease was lost or the job got too old.
/// </remarks>
public sealed class CompactionRunner
{
    /// <summary>Time that replaced objects stay readable for readers with older metadata (C3).</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromMinutes(10);

    private readonly CopyStage _copy;
    private readonly VerifyStage _verify;
    private readonly PublishStage _publish;
    private readonly CleanStage _clean;
    private readonly JobTransactions _jobs;
    private readonly ILeaseStore _leases;
    private readonly TimeProvider _time;
    private readonly string _holder;

    /// <summary>Makes the runner.</summary>
    /// <param name="store">The object store.</param>
    /// <param name="options">How objects are written.</param>
    /// <param name="jobs">Transactions.</param>
    /// <param name="leases">Leases.</param>
    /// <param name="time">The clock.</param>
    /// <param name="holder">App id of this process.</param>
    /// <param name="grace">Time that replaced objects stay; <see cref="DefaultGrace"/> unless there is a reason.</param>
    public CompactionRunner(
        IObjectStore store, SegmentObjectOptions options, JobTransactions jobs, ILeaseStore leases, TimeProvider time,
        string holder, TimeSpan grace)
    {
        _copy = new CopyStage(store, options);
        _verify = new VerifyStage(store);
        _publish = new PublishStage(new ManifestPublisher(store, jobs), time, grace);
        _clean = new CleanStage(store);
        (_jobs, _leases, _time, _holder) = (jobs, leases, time, holder);
    }

    /// <summary>Merges the keys of a plan.</summary>
    /// <param name="clusterId">The cluster.</param>
    /// <param name="log">The log.</param>
    /// <param name="keys">The keys that were planned over, as read.</param>
    /// <param name="plan">Which of them.</param>
    /// <param name="cancellationToken">Stops the job.</param>
    public async ValueTask<CompactionOutcome> RunAsync(
        Guid clusterId, LogId log, SegmentKeys keys, CompactionPlan plan, CancellationToken cancellationToken)
    {
        var chosen = keys.Entries.Skip(plan.FirstIndex).Take(plan.Count).ToArray();
        Invariant.Check(plan.FirstIndex + plan.Count < keys.Entries.Count, "PublishMerge never takes the newest key");
        await using var lease = await JobLease.TryAcquireAsync(
            _jobs, _leases, _time, log, chosen[0].Id, chosen[0].Key, JobKind.Merge, _holder, cancellationToken);
        if (lease is null)
            return CompactionOutcome.NotOurs;

        using var either = CancellationTokenSource.CreateLinkedTokenSource(lease.Stopping, cancellationToken);
        var task = new MergeTask(clusterId, lease.Job, chosen);
        var copied = await _copy.RunAsync(task, either.Token);
        var verified = await _verify.RunAsync(copied, either.Token);
        var published = await _publish.RunAsync(task, verified, either.Token);
        await _clean.RunAsync(copied, published, either.Token);
        return published.Merged is null ? CompactionOutcome.NotOurs : CompactionOutcome.Merged;
    }
}
