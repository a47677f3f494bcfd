using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>Establishes that a log's epoch and its end are what was read: a transaction with a put (X1, V7).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class TailTransactions(TransactionRunner runner)
{
    /// <summary>Whether neither changed between the read and a moment after this call.</summary>
    /// <param name="log">The log.</param>
    /// <param name="epoch">Its epoch key as read.</param>
    /// <param name="segments">Its segment keys as read.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<bool> IsUnchangedAsync(
        LogId log, Versioned<EpochValue> epoch, IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentNullException.ThrowIfNull(epoch);
        var nonce = runner.NewNonce();
        var mark = MetadataKeys.TailMark(log);
        var transaction = new MetadataTransaction().WhenModRevision(epoch.Key, epoch.ModRevision);
        var next = new SegmentId(0);
        if (segments.Count > 0)
        {
            var (id, newest) = segments[^1];
            transaction.WhenModRevision(newest.Key, newest.ModRevision);
            next = (newest.Value.LastSegment ?? id).Next;
        }

        // Opening the next segment does not touch the one before it.
        transaction.WhenAbsent(MetadataKeys.Segment(log, next));
        transaction.Put(mark, MetadataJson.Write(new MarkValue { Nonce = nonce }));
        return (await runner.RunAsync<MarkValue>(transaction, mark, nonce, cancellationToken)).Landed;
    }
}
