using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>ForceSeal: the seal of what is left of a segment, with the record of who decided it (11.6).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class LossTransactions(TransactionRunner runner)
{
    /// <summary>ForceSeal: fixes the end of a Recovering segment and the lost range after it, for ever, and writes the audit record.</summary>
    /// <param name="reign">The reign.</param>
    /// <param name="id">The segment.</param>
    /// <param name="recovering">As last written, Recovering.</param>
    /// <param name="end">What is left.</param>
    /// <param name="lost">From the offset after <paramref name="end"/> to the one before the log's next.</param>
    /// <param name="audit">Who decided, why, and on what.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown.</param>
    public async ValueTask<SegmentTransactionResult> ForceSealAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> recovering,
        SegmentEnd end,
        LostRange lost,
        AuditValue audit,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recovering);
        ArgumentNullException.ThrowIfNull(lost);
        Invariant.Check(recovering.Value.State == SegmentState.Recovering, "ForceSeal seals a Recovering segment");
        Invariant.Check(lost.From == recovering.Value.BaseOffset!.Value + (end.LastEntry.Value + 1), "INV-33");
        Invariant.Check(lost.To - lost.From >= (long)Recovery.DeclaredLoss.Stride - 1, "INV-2");
        var key = MetadataKeys.Segment(reign.Log, id);
        var nonce = runner.NewNonce();
        var value = WriterTransactions.Seal(
            recovering.Value, end, SealOrigin.Forced, runner.NowMicroseconds, nonce) with
        {
            Lost = lost,
        };
        var record = audit with { Nonce = nonce, At = runner.NowMicroseconds };
        var transaction = WriterTransactions.Begin(reign)
            .WhenModRevision(key, recovering.ModRevision)
            .Put(key, MetadataJson.Write(value))
            .Delete(MetadataKeys.Segment(reign.Log, id.Next))
            .Put(MetadataKeys.Audit(record.At, nonce), MetadataJson.Write(record));
        var result = await runner.RunAsync(
            transaction,
            key,
            entry => entry is not null && MetadataJson.Read<SegmentValue>(entry).SealNonce == nonce,
            cancellationToken);
        return WriterTransactions.Answer(reign, result, key, value, recovering.CreateRevision, sealedSegment: null);
    }

    /// <summary>The audit records, oldest first.</summary>
    public async ValueTask<IReadOnlyList<AuditValue>> ListAuditAsync(CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.AuditPrefix, cancellationToken);
        return [.. listing.Entries.Select(MetadataJson.Read<AuditValue>)];
    }
}
