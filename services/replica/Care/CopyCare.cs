using Microsoft.Extensions.Options;
using Woodpecker.Replica.Uploading;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica.Care;

/// <summary>
/// Brings the copies of one log in line with metadata: takes seals that were missed (R7), starts uploads that are due (U2),
/// and lets go of what is verified in the object store (U7) or
/// obsolete by positive evidence (R12).
/// </summary>
/// <remarks>An absent key alone is no evidence for anything: the read may be stale (X1).</remarks>
internal sealed partial class CopyCare(
    ReplicaNode node,
    UploadDesk uploads,
    WriterTransactions writers,
    TransactionRunner runner,
    IOptions<ReplicaOptions> options,
    ILogger<CopyCare> logger)
{
    private TimeSpan? _nextUpload;

    /// <summary>When to look again: after a period, or earlier if an upload falls due before.</summary>
    public TimeSpan NextWait(TimeSpan period)
    {
        var next = _nextUpload;
        _nextUpload = null;
        return next is { } due && due < period ? due : period;
    }

    /// <summary>Cares for every copy of the log that is held.</summary>
    public async ValueTask CareForAsync(LogId log, CancellationToken cancellationToken)
    {
        var keys = await writers.ListSegmentsAsync(log, cancellationToken);
        foreach (var copy in node.Store.List().Where(c => c.Key.Log == log))
        {
            var own = CoveringKey.Find(keys, copy.Key.Segment) is { } found && found.Id == copy.Key.Segment
                ? found.Segment
                : null;
            if (own is not null)
                await SealAsync(copy, own.Value, cancellationToken);
            switch (own?.Value.State)
            {
                case SegmentState.Sealed:
                    ConsiderUpload(copy.Key, own);
                    break;
                case SegmentState.Prepared or SegmentState.Open or SegmentState.Recovering:
                    break;
                default:
                    if (await uploads.ReleaseAsync(copy, cancellationToken))
                        LogReleased(copy.Key.ToString(), copy.Bytes);
                    break;
            }
        }
    }

    // Missed seals are taken from metadata (R7): the copy then ends where the segment ends.
    private async ValueTask SealAsync(SegmentInfo copy, SegmentValue value, CancellationToken cancellationToken)
    {
        if (copy.SealedEntry is not null || value is not { LastEntry: { } last, Chain: { } chain, LastSegment: null })
            return;
        var answer = await node.Store.SealAsync(copy.Key, epoch: null, last, chain, cancellationToken);
        if (answer is { } refusal)
            LogSealRefused(copy.Key.ToString(), refusal.Detail);
    }

    private void ConsiderUpload(SegmentKey key, Versioned<SegmentValue> segment)
    {
        var members = segment.Value.Ensemble;
        var place = 0;
        while (place < members.Count && members[place].Node != node.NodeId)
            place++;
        if (place == members.Count)
            return;
        // U2: the members take turns, so that normally one uploads. By the clock, which decides nothing but who tries first.
        var stagger = TimeSpan.FromMilliseconds(place * (double)options.Value.Care.UploadStaggerMilliseconds);
        var due = segment.Value.SealedAt is { } at
            ? TimeSpan.FromMicroseconds(at - runner.NowMicroseconds) + stagger
            : TimeSpan.Zero;
        if (due <= TimeSpan.Zero)
            uploads.Start(key, segment);
        else if (_nextUpload is null || due < _nextUpload)
            _nextUpload = due;
    }

    [LoggerMessage(3301, LogLevel.Error, "Metadata seals segment {Segment}, but this copy refuses: {Reason}")]
    private partial void LogSealRefused(string segment, string reason);

    [LoggerMessage(3302, LogLevel.Information, "Segment {Segment} is safe in the object store or obsolete; released {Bytes} bytes")]
    private partial void LogReleased(string segment, long bytes);
}
