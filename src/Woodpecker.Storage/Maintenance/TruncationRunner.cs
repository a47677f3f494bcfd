using Microsoft.Extensions.Logging;
using Woodpecker.Compaction;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Maintenance;

/// <summary>
/// Takes truncated keys out of a live log, step by step: MarkTruncated, MarkDeleting (objects become gc records), and, when
/// those are collected, DropKey (D2). Replicas drop their copies by the state or, later, by the truncation point (R12).
/// </summary>
/// <remarks>Threads: any; every step is a transaction on the key as it was read (X4). A lost race is left for the next pass.</remarks>
public sealed partial class TruncationRunner(
    IMetadataStore metadata, IObjectStore store, LogTransactions logs, CollectionTransactions transactions,
    MaintenanceOptions options, TimeProvider time, ILogger<TruncationRunner> logger)
{
    /// <summary>Moves every key of the log one or more steps on.</summary>
    /// <returns>Steps taken.</returns>
    public async ValueTask<int> RunAsync(LogId log, CancellationToken cancellationToken)
    {
        var truncation = await logs.ReadTruncationAsync(log, cancellationToken);
        if (truncation is null || truncation.Value.TruncatedTo == Offset.Zero)
            return 0;
        var keys = await SegmentKeys.ReadAsync(metadata, log, cancellationToken);
        var planned = keys.ToPlanned();
        var steps = 0;
        for (var i = 0; i < planned.Length; i++)
        {
            var step = TruncationPlanner.Next(planned, i, truncation.Value.TruncatedTo);
            if (step != CollectionStep.None && await TakeAsync(log, keys.Entries[i], step, cancellationToken))
                steps++;
        }

        return steps;
    }

    private async ValueTask<bool> TakeAsync(
        LogId log, SegmentKeyEntry key, CollectionStep step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case CollectionStep.MarkTruncated:
                var truncated = await transactions.MarkTruncatedAsync(key.Key, cancellationToken);
                return truncated is not null
                    && await TakeAsync(log, key with { Key = truncated }, CollectionStep.MarkDeleting, cancellationToken);
            case CollectionStep.MarkDeleting:
                var remains = await SegmentRemains.FindAsync(store, log, key, cancellationToken);
                var notBefore = (time.GetUtcNow() + options.GcGrace).ToUnixTimeMilliseconds() * 1000;
                var marked = await transactions.MarkDeletingAsync(
                    log, key.Key, remains.ToGc(key, notBefore, "truncated"), SegmentGc.IdOf(key.Id), cancellationToken);
                if (marked is not null)
                    Truncated(logger, log.Value, key.Id.Value);
                return marked is not null;
            default:
                return !await SegmentGc.IsPendingAsync(metadata, log, key.Id, cancellationToken)
                    && await transactions.DropKeyAsync(key.Key, cancellationToken);
        }
    }

    [LoggerMessage(3321, LogLevel.Information, "Segment {Segment} of log {Log} lies below the truncation point; its objects will be deleted")]
    private static partial void Truncated(ILogger logger, ulong log, ulong segment);
}
