using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Woodpecker.Format.Journals;
using Woodpecker.Replicas;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Replica.Uploading;

/// <summary>Uploads sealed segments from this replica's copies, a bounded number at once, and judges releases (U1 to U8).</summary>
/// <remarks>Threads: one caller starts; each upload is a task of its own that ends with the process.</remarks>
internal sealed partial class UploadDesk : IAsyncDisposable
{
    private readonly ReplicaNode _node;
    private readonly ObjectStoreGate _gate;
    private readonly IMetadataStore _metadata;
    private readonly IObjectStore _objects;
    private readonly UploadJob _job;
    private readonly ILogger<UploadDesk> _logger;
    private readonly int _maxUploads;
    private readonly double _uploadHarderAt;
    private readonly UploadPacing _pacing;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<SegmentKey, Task> _running = new();

    public UploadDesk(
        ReplicaNode node,
        ObjectStoreGate gate,
        IMetadataStore metadata,
        ILeaseStore leases,
        IObjectStore objects,
        JobTransactions jobs,
        TimeProvider time,
        IIdSource ids,
        IOptions<ReplicaOptions> options,
        ILogger<UploadDesk> logger)
    {
        (_node, _gate, _metadata, _objects, _logger) = (node, gate, metadata, objects, logger);
        _maxUploads = options.Value.Care.MaxUploads;
        _uploadHarderAt = options.Value.Journal.UploadHarderAt;
        _pacing = new UploadPacing(time, ids);
        _job = new UploadJob(
            new SegmentUploader(objects, new SegmentObjectOptions()),
            new ManifestPublisher(objects, jobs),
            jobs,
            leases,
            time,
            node.NodeId);
    }

    /// <summary>Raised when an upload ended, so that the loop looks at what is next.</summary>
    public event Action? Ended;

    /// <summary>What is left of the pause after the object store failed; zero if uploads are tried.</summary>
    public TimeSpan PauseLeft => _pacing.Left;

    /// <summary>Whether the journal fills up: everything that could be uploaded is, without waiting for turns (U8).</summary>
    public bool IsPressed => _node.StoreIfServing is { } store && store.FillRatio >= _uploadHarderAt;

    /// <summary>Starts uploads in the order of need, as many as may run at once; a later look tries the others (U8).</summary>
    public void Start(List<UploadCandidate> candidates)
    {
        if (_pacing.Left > TimeSpan.Zero)
            return;
        // After a failure one upload finds out whether the store is back.
        var most = _pacing.Failures > 0 ? 1 : IsPressed ? 2 * _maxUploads : _maxUploads;
        candidates.Sort(UploadCandidate.Compare);
        foreach (var candidate in candidates)
        {
            if (_stop.IsCancellationRequested || _running.Count >= most)
                return;
            if (_running.ContainsKey(candidate.Key))
                continue;
            if (candidate.IsUnderReplicated)
                Log.UnderReplicated(_logger, candidate.Key.ToString(), string.Join(", ", candidate.Segment.Value.Ensemble.Select(static m => m.Node)));
            // The task starts on the pool: the caller's look at the next segment must not wait for a disk.
            _running[candidate.Key] = Task.Run(() => UploadAsync(candidate), CancellationToken.None);
        }
    }

    /// <summary>Drops the local copy if the published objects are verified (U7) or the segment is obsolete by positive evidence (R12).</summary>
    /// <returns>Release or Obsolete: dropped. Keep: not now. Repair: kept, because the published objects are missing or damaged (C7).</returns>
    public async ValueTask<ReleaseVerdict> ReleaseAsync(SegmentInfo copy, CancellationToken cancellationToken)
    {
        var key = copy.Key;

        // A copy that is being uploaded is still being read.
        if (_running.ContainsKey(key))
            return ReleaseVerdict.Keep;
        var capabilities = await _gate.CapabilitiesAsync(cancellationToken);
        var release = new LocalRelease(_metadata, _objects, LocalRelease.VerificationFor(capabilities));
        var answer = await release.CheckAsync(_node.ClusterId, key, LocalCopy.Of(copy), cancellationToken);
        ReplicaRefusal? refusal = null;
        switch (answer.Verdict)
        {
            case ReleaseVerdict.Release:
                refusal = await _node.Store.DropAsync(
                    key, DropReason.Released, Convert.FromHexString(answer.ManifestSha256), cancellationToken);
                break;
            case ReleaseVerdict.Obsolete:
                refusal = await _node.Store.DropAsync(key, DropReason.Truncated, default, cancellationToken);
                break;
            case ReleaseVerdict.Mismatch or ReleaseVerdict.Repair:
                Log.Mismatch(_logger, key.ToString(), answer.Detail);
                break;
        }

        if (refusal is not { } kept)
            return answer.Verdict;
        Log.NotDropped(_logger, key.ToString(), kept.Detail);
        return ReleaseVerdict.Keep;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running.Values);
        _stop.Dispose();
    }

    private async Task UploadAsync(UploadCandidate candidate)
    {
        var (key, segment) = (candidate.Key, candidate.Segment);
        try
        {
            await _gate.CapabilitiesAsync(_stop.Token);
            var store = _node.Store;
            var header = await store.ReadHeaderAsync(key, _stop.Token);
            var source = new CopyFrameSource(store, key, header);
            var outcome = candidate.IsAgain
                ? await _job.RunAgainAsync(_node.ClusterId, key.Log, key.Segment, segment, source, _stop.Token)
                : await _job.RunAsync(_node.ClusterId, key.Log, key.Segment, segment, source, _stop.Token);
            _pacing.OnSucceeded();
            if (outcome == UploadOutcome.Published)
                Log.Uploaded(_logger, key.ToString(), segment.Value.LastEntry!.Value.Value + 1);
        }
        catch (SourceException e)
        {
            // Another member uploads; this copy is repaired by the published objects (V3).
            Log.CopyUnfit(_logger, key.ToString(), e.Fault, e.Message);
        }
        catch (OperationCanceledException)
        {
            // Stopping, or the lease was lost: nothing was published by this job, or metadata says so.
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            _pacing.OnFailed();
            Log.PutOff(_logger, key.ToString(), known.Message);
        }
        finally
        {
            _running.TryRemove(key, out _);
            Ended?.Invoke();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3401, LogLevel.Information, "Segment {Segment} with {Entries} entries is uploaded and published")]
        public static partial void Uploaded(ILogger logger, string segment, long entries);

        [LoggerMessage(3402, LogLevel.Warning, "The copy of segment {Segment} cannot be uploaded ({Fault}): {Reason}")]
        public static partial void CopyUnfit(ILogger logger, string segment, SourceFault fault, string reason);

        [LoggerMessage(3403, LogLevel.Warning, "The upload of segment {Segment} is put off: {Reason}")]
        public static partial void PutOff(ILogger logger, string segment, string reason);

        [LoggerMessage(3405, LogLevel.Warning, "Segment {Segment} has fewer than its promised copies and is uploaded first; members: {Members}")]
        public static partial void UnderReplicated(ILogger logger, string segment, string members);

        [LoggerMessage(3406, LogLevel.Warning, "The copy of segment {Segment} is not needed any more, but cannot be dropped yet: {Reason}")]
        public static partial void NotDropped(ILogger logger, string segment, string reason);

        [LoggerMessage(3404, LogLevel.Error, "The published objects of segment {Segment} do not fit; the local copy stays: {Reason}")]
        public static partial void Mismatch(ILogger logger, string segment, string reason);
    }
}
