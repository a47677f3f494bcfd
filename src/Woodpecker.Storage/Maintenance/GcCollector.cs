using Microsoft.Extensions.Logging;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Maintenance;

/// <summary>
/// Deletes the objects of gc records whose time has come and that no reader pins (C3). The transaction that wrote a record
/// took the objects out of metadata, so deleting them again after a crash is harmless; that nothing refers to them is
/// checked all the same (INV-22).
/// </summary>
/// <remarks>Threads: any; several processes may collect the same log. Errors: those of the ports; the record then stays.</remarks>
public sealed partial class GcCollector(
    IMetadataStore metadata, IObjectStore store, CollectionTransactions transactions, MaintenanceOptions options,
    TimeProvider time, ILogger<GcCollector> logger)
{
    /// <summary>Collects what is due of one log, also of a deleted one.</summary>
    /// <returns>Records finished.</returns>
    public async ValueTask<int> RunAsync(LogId log, CancellationToken cancellationToken)
    {
        var records = await metadata.ListAsync(MetadataKeys.GcPrefix(log), cancellationToken);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
        var due = records.Entries.Select(Versioned<GcValue>.From).Where(record => record.Value.NotBefore <= now).ToArray();
        if (due.Length == 0)
            return 0;
        await transactions.ConfirmAsync(log, cancellationToken);
        var pin = await SmallestPinAsync(metadata, log, cancellationToken);
        var truncation = await metadata.GetAsync(MetadataKeys.Trunc(log), cancellationToken);
        var truncatedTo = truncation is null ? Offset.Zero : MetadataJson.Read<TruncationValue>(truncation).TruncatedTo;
        var referenced = ReferencedTokens.Of(await SegmentKeys.ReadAsync(metadata, log, cancellationToken));
        var finished = 0;
        foreach (var record in due)
        {
            // D3: what truncation removed waits for nobody; a reader there gets Truncated.
            if (record.Value.MaxOffset >= truncatedTo && pin <= record.Value.MaxOffset && now - record.Value.NotBefore < options.MaxPinDelay.TotalMicroseconds)
                continue;
            await DeleteAsync(log, record.Value, referenced, cancellationToken);
            await transactions.DropGcAsync(record, cancellationToken);
            finished++;
        }

        return finished;
    }

    /// <summary>The smallest offset a reader of the log pins; null if none does.</summary>
    internal static async ValueTask<Offset?> SmallestPinAsync(
        IMetadataStore metadata, LogId log, CancellationToken cancellationToken)
    {
        var pins = await metadata.ListAsync(MetadataKeys.ReaderPrefix(log), cancellationToken);
        Offset? smallest = null;
        foreach (var entry in pins.Entries)
        {
            var pinned = MetadataJson.Read<ReaderPinValue>(entry).MinOffset;
            if (smallest is not { } known || pinned < known)
                smallest = pinned;
        }

        return smallest;
    }

    private async ValueTask DeleteAsync(
        LogId log, GcValue record, HashSet<(SegmentId Segment, long JobToken)> referenced, CancellationToken cancellationToken)
    {
        foreach (var text in record.Objects)
        {
            var isOurs = ObjectNames.TryParse(text, out var name) && name.Log == log;
            Invariant.Check(isOurs, "a gc record names objects of its log");
            Invariant.Check(!referenced.Contains((name.Segment, name.JobToken)), "INV-22");
            await store.DeleteAsync(new ObjectKey(text), cancellationToken);
        }

        var slots = record.SlotSegment is { } segment ? await DeleteSlotsAsync(log, segment, cancellationToken) : 0;
        Deleted(logger, log.Value, record.Objects.Count + slots, record.Reason);
    }

    /// <summary>Deletes all data slots of a segment; fences stay (B9).</summary>
    private async ValueTask<int> DeleteSlotsAsync(LogId log, SegmentId segment, CancellationToken cancellationToken)
    {
        List<ObjectKey> slots = [];
        await foreach (var info in store.ListAsync(ObjectNames.SegmentPrefix(log, segment) + "s-", null, cancellationToken))
        {
            if (info.Length > SlotObject.FenceSize)
                slots.Add(info.Key);
        }

        foreach (var slot in slots)
            await store.DeleteAsync(slot, cancellationToken);
        return slots.Count;
    }

    [LoggerMessage(3301, LogLevel.Information, "Deleted {ObjectCount} objects of log {Log}: {Reason}")]
    private static partial void Deleted(ILogger logger, ulong log, int objectCount, string reason);
}
