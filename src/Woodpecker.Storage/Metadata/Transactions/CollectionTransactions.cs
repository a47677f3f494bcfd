using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>MarkTruncated, MarkDeleting, DropKey and the end of gc records: the physical side of truncation and deletion (D2).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class CollectionTransactions(TransactionRunner runner)
{
    /// <summary>MarkTruncated. The caller has checked that the key lies below the truncation point and is not the newest.</summary>
    /// <returns>The segment afterwards, or null if it changed meanwhile.</returns>
    public ValueTask<Versioned<SegmentValue>?> MarkTruncatedAsync(
        Versioned<SegmentValue> segment, CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.State is SegmentState.Sealed or SegmentState.Compacted, "INV-26");
        return RewriteAsync(segment, segment.Value with { State = SegmentState.Truncated }, [], default, "", cancellationToken);
    }

    /// <summary>MarkDeleting: from Truncated, or from any state of a deleted log; its objects become gc records.</summary>
    public ValueTask<Versioned<SegmentValue>?> MarkDeletingAsync(
        LogId log, Versioned<SegmentValue> segment, IReadOnlyList<GcValue> gc, string gcId, CancellationToken cancellationToken) =>
        RewriteAsync(segment, segment.Value with { State = SegmentState.Deleting }, gc, log, gcId, cancellationToken);

    /// <summary>DropKey: the last step, when replicas and objects are done.</summary>
    /// <returns>Whether the key is gone by this call.</returns>
    public async ValueTask<bool> DropKeyAsync(Versioned<SegmentValue> segment, CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.State == SegmentState.Deleting, "DropKey takes a Deleting segment");
        var result = await runner.RunAsync(
            new MetadataTransaction().WhenModRevision(segment.Key, segment.ModRevision).Delete(segment.Key),
            segment.Key,
            static entry => entry is null,
            cancellationToken);
        return result.Landed;
    }

    /// <summary>
    /// Establishes by a put that metadata is no older than before and not in safe mode, before objects are deleted by what it
    /// says (section 13).
    /// </summary>
    public async ValueTask ConfirmAsync(LogId log, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.GcMark(log);
        var nonce = runner.NewNonce();
        await runner.RunAsync<MarkValue>(
            new MetadataTransaction().Put(key, MetadataJson.Write(new MarkValue { Nonce = nonce })), key, nonce, cancellationToken);
    }

    /// <summary>Removes a gc record whose objects are gone.</summary>
    public async ValueTask DropGcAsync(Versioned<GcValue> record, CancellationToken cancellationToken) =>
        await runner.RunAsync(
            new MetadataTransaction().WhenModRevision(record.Key, record.ModRevision).Delete(record.Key),
            record.Key,
            static entry => entry is null,
            cancellationToken);

    private async ValueTask<Versioned<SegmentValue>?> RewriteAsync(
        Versioned<SegmentValue> segment,
        SegmentValue value,
        IReadOnlyList<GcValue> gc,
        LogId log,
        string gcId,
        CancellationToken cancellationToken)
    {
        var nonce = runner.NewNonce();
        var written = value with { Nonce = nonce };
        var transaction = new MetadataTransaction()
            .WhenModRevision(segment.Key, segment.ModRevision)
            .Put(segment.Key, MetadataJson.Write(written));
        for (var i = 0; i < gc.Count; i++)
        {
            var key = MetadataKeys.Gc(log, FormattableString.Invariant($"{gcId}-{i:D4}"));
            transaction.Put(key, MetadataJson.Write(gc[i] with { Nonce = nonce }));
        }

        var result = await runner.RunAsync<SegmentValue>(transaction, segment.Key, nonce, cancellationToken);
        return result.Landed ? segment with { Value = written, ModRevision = result.Revision } : null;
    }
}
