using Microsoft.Extensions.Logging;
using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Maintenance;

/// <summary>
/// Removes what a deleted log left: segments, objects, slots, at last its own keys. The tombstone stays for ever, fence
/// slots for 30 days (D4, D6).
/// </summary>
/// <remarks>Threads: any. Each pass goes as far as it can; the next one goes on.</remarks>
public sealed partial class DeletedLogCollector(
    TransactionRunner runner, IObjectStore store, CollectionTransactions transactions, GcCollector gc,
    MaintenanceOptions options, ILogger<DeletedLogCollector> logger)
{
    /// <summary>Goes on with one deleted log.</summary>
    /// <returns>Whether nothing is left but the tombstone and fences that wait for their time.</returns>
    public async ValueTask<bool> RunAsync(LogId log, CancellationToken cancellationToken)
    {
        var tombstone = await runner.ReadAsync<TombstoneValue>(MetadataKeys.Tombstone(log), cancellationToken);
        if (tombstone is null)
            return false; // Not deleted: nothing is done without this positive evidence.
        var meta = await runner.ReadAsync<LogValue>(MetadataKeys.Meta(log), cancellationToken);
        if (meta is null)
        {
            await gc.RunAsync(log, cancellationToken);
            return !await HasGcAsync(log, cancellationToken);
        }

        Invariant.Check(meta.Value.State == LogState.Deleting, "a log with a tombstone is being deleted");
        var age = runner.NowMicroseconds - tombstone.Value.DeletedAt;
        if (age < options.DeletedLogGrace.TotalMicroseconds)
            return false;
        await MarkAsync(log, cancellationToken);
        await gc.RunAsync(log, cancellationToken);
        if (await DropKeysAsync(log, cancellationToken))
        {
            await KeepRestAsync(log, tombstone.Value, cancellationToken);
            await DropLogAsync(log, meta, cancellationToken);
        }

        return false;
    }

    private async ValueTask MarkAsync(LogId log, CancellationToken cancellationToken)
    {
        var keys = await SegmentKeys.ReadAsync(runner.Store, log, cancellationToken);
        foreach (var key in keys.Entries)
        {
            if (key.Value.State == SegmentState.Deleting)
                continue;
            var remains = await SegmentRemains.FindAsync(store, log, key, cancellationToken);
            var records = new List<GcValue>(remains.ToGc(key, notBefore: 0, "log deleted"));
            await transactions.MarkDeletingAsync(log, key.Key, records, SegmentGc.IdOf(key.Id), cancellationToken);
        }
    }

    private async ValueTask<bool> DropKeysAsync(LogId log, CancellationToken cancellationToken)
    {
        var keys = await SegmentKeys.ReadAsync(runner.Store, log, cancellationToken);
        var left = 0;
        foreach (var key in keys.Entries)
        {
            var isDone = key.Value.State == SegmentState.Deleting
                && !await SegmentGc.IsPendingAsync(runner.Store, log, key.Id, cancellationToken)
                && await transactions.DropKeyAsync(key.Key, cancellationToken);
            left += isDone ? 0 : 1;
        }

        return left == 0;
    }

    /// <summary>What is left now are fences, which stay their time (D6), and objects of jobs that never published.</summary>
    private async ValueTask KeepRestAsync(LogId log, TombstoneValue tombstone, CancellationToken cancellationToken)
    {
        List<string> fences = [];
        List<string> others = [];
        await foreach (var info in store.ListAsync(ObjectNames.LogPrefix(log), null, cancellationToken))
        {
            if (!ObjectNames.TryParse(info.Key.Value, out var name))
                continue;
            var isFence = name.Kind is ObjectKind.Slot or ObjectKind.VerifiedSlot && info.Length <= SlotObject.FenceSize;
            (isFence ? fences : others).Add(info.Key.Value);
        }

        await PutAsync(log, "fence", fences, tombstone.DeletedAt + (long)options.DeletedFenceAge.TotalMicroseconds, cancellationToken);
        await PutAsync(log, "rest", others, runner.NowMicroseconds + (long)options.OrphanGrace.TotalMicroseconds, cancellationToken);
    }

    private async ValueTask PutAsync(
        LogId log, string kind, List<string> objects, long notBefore, CancellationToken cancellationToken)
    {
        var records = GcRecords.Of(objects, new GcValue { NotBefore = notBefore, Reason = $"{kind} of a deleted log" });
        for (var i = 0; i < records.Count; i++)
        {
            // Each pass lists anew, so a record written again names everything that is still there.
            var key = MetadataKeys.Gc(log, FormattableString.Invariant($"{kind}-{i:D4}"));
            var nonce = runner.NewNonce();
            await runner.RunAsync<GcValue>(
                new MetadataTransaction().Put(key, MetadataJson.Write(records[i] with { Nonce = nonce })),
                key, nonce, cancellationToken);
        }
    }

    private async ValueTask DropLogAsync(LogId log, Versioned<LogValue> meta, CancellationToken cancellationToken)
    {
        foreach (var entry in (await runner.Store.ListAsync(MetadataKeys.DamagePrefix(log), cancellationToken)).Entries)
        {
            await runner.RunAsync(
                new MetadataTransaction().Delete(entry.Key), entry.Key, static gone => gone is null, cancellationToken);
        }

        // No writer can open a segment any more: its reign ended with the epoch key's last change (INV-18).
        var result = await runner.RunAsync(
            new MetadataTransaction()
                .WhenModRevision(meta.Key, meta.ModRevision)
                .Delete(meta.Key)
                .Delete(MetadataKeys.Epoch(log))
                .Delete(MetadataKeys.Trunc(log))
                .Delete(MetadataKeys.TailMark(log))
                .Delete(MetadataKeys.SlotMark(log))
                .Delete(MetadataKeys.GcMark(log)),
            meta.Key,
            static entry => entry is null,
            cancellationToken);
        if (result.Landed)
            Collected(logger, log.Value);
    }

    private async ValueTask<bool> HasGcAsync(LogId log, CancellationToken cancellationToken) =>
        (await runner.Store.ListAsync(MetadataKeys.GcPrefix(log), cancellationToken)).Entries.Count > 0;

    [LoggerMessage(3341, LogLevel.Information, "Everything of the deleted log {Log} is collected; its tombstone stays")]
    private static partial void Collected(ILogger logger, ulong log);
}
