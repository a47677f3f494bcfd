using System.Globalization;
using Woodpecker.Rollback;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Rollback;

/// <summary>One transaction of a restore.</summary>
/// <param name="Transaction">Compares and writes, without the cluster key.</param>
/// <param name="DecidingKey">The key whose nonce tells whether it landed.</param>
/// <param name="Nonce">That nonce.</param>
/// <param name="Text">For people.</param>
internal sealed record RestoreStep(MetadataTransaction Transaction, string DecidingKey, Guid Nonce, string Text);

/// <summary>Turns the plan of one log into transactions, the oldest segment first (INV-14).</summary>
internal sealed class RestoreWriter(
    RestorePlan plan, LogKeys keys, LogValue? settings, Func<string, (ManifestReference Reference, long StoredBytes)> manifests, RestoreHolder? holder,
    TransactionRunner runner)
{
    private const int SegmentsAtOnce = 40;

    private static readonly TimeSpan _slotGrace = TimeSpan.FromMinutes(10);

    private readonly LogId _log = plan.Log;

    public IEnumerable<RestoreStep> Build()
    {
        if (plan.IsDeletion)
        {
            yield return Delete();
            yield break;
        }

        if (plan.Epoch is not { } epoch)
            yield break;
        yield return Reign(epoch);
        foreach (var part in plan.Segments.Chunk(SegmentsAtOnce))
            yield return Segments(part);
        if (plan.SlotMark is { } mark)
            yield return Mark(mark.Segment, mark.Slot, mark.Entry);
    }

    private RestoreStep Reign(LogEpoch epoch)
    {
        var nonce = runner.NewNonce();
        var key = MetadataKeys.Epoch(_log);
        var value = (keys.Epoch?.Value ?? new EpochValue { Epoch = epoch }) with
        {
            Nonce = nonce,
            Epoch = epoch,
            // An open segment has an owner to recover it without waiting for an append (T9).
            Holder = plan.HasOpenEnd ? holder?.AppId : null,
            HolderLive = plan.HasOpenEnd ? holder?.LiveRevision : null,
            Floor = epoch,
        };
        var transaction = new MetadataTransaction().WhenModRevision(key, keys.Epoch?.ModRevision ?? 0).Put(key, MetadataJson.Write(value));
        if (plan.IsNew)
        {
            var meta = settings! with { Nonce = nonce, CreatedAt = runner.NowMicroseconds };
            transaction
                .WhenAbsent(MetadataKeys.Name(meta.Name))
                .Put(MetadataKeys.Name(meta.Name), MetadataJson.Write(new NameValue { Nonce = nonce, LogId = _log }))
                .Put(MetadataKeys.Meta(_log), MetadataJson.Write(meta));
        }

        if (plan.IsNew || plan.TruncateTo is not null)
        {
            var to = plan.TruncateTo ?? Offset.Zero;
            if (keys.Trunc?.Value.TruncatedTo is { } known && known > to)
                to = known; // INV-27
            var trunc = (keys.Trunc?.Value ?? new TruncationValue { TruncatedTo = to }) with { Nonce = nonce, TruncatedTo = to };
            transaction.Put(MetadataKeys.Trunc(_log), MetadataJson.Write(trunc));
        }

        return new RestoreStep(transaction, key, nonce, Say($"epoch {epoch}{(plan.IsNew ? $", as '{settings!.Name}'" : "")}"));
    }

    private RestoreStep Segments(RestoredSegment[] part)
    {
        var nonce = runner.NewNonce();
        var transaction = new MetadataTransaction();
        foreach (var segment in part)
        {
            var key = MetadataKeys.Segment(_log, segment.Id);
            var old = Find(segment.Id);
            transaction.WhenModRevision(key, old?.ModRevision ?? 0);
            transaction.Put(key, MetadataJson.Write(ToValue(segment, old?.Value) with { Nonce = nonce }));
            if (segment.Manifest is not null && old?.Value.Manifest is null && settings!.Mode == LogMode.MemoryBuffer)
            {
                var id = FormattableString.Invariant($"restored-{segment.Id.ToKey()}");
                transaction.Put(MetadataKeys.Gc(_log, id), MetadataJson.Write(SlotsOf(segment) with { Nonce = nonce }));
            }

            foreach (var covered in plan.Covered)
            {
                if (covered.CompareTo(segment.Id) > 0 && segment.LastSegment is { } last && covered.CompareTo(last) <= 0)
                    transaction.Delete(MetadataKeys.Segment(_log, covered));
            }
        }

        var text = string.Join("; ", part.Select(static s => Say($"segment {s.Id} is {s.State}: {s.Why}")));
        return new RestoreStep(transaction, MetadataKeys.Segment(_log, part[0].Id), nonce, text);
    }

    // B9: as the publication did that metadata forgot.
    private GcValue SlotsOf(RestoredSegment segment) => new()
    {
        SlotSegment = segment.Id,
        SlotLast = segment.LastSlot,
        MinOffset = segment.BaseOffset,
        MaxOffset = segment.BaseOffset + Math.Max(0, segment.LastEntry!.Value.Value),
        NotBefore = (runner.Time.GetUtcNow() + _slotGrace).ToUnixTimeMilliseconds() * 1000,
        Reason = "slots replaced by segment objects",
    };

    private SegmentValue ToValue(RestoredSegment segment, SegmentValue? old)
    {
        var now = runner.NowMicroseconds;
        // A key of another history says nothing of this one.
        var value = old is not null && old.Epoch == segment.Epoch && old.BaseOffset == segment.BaseOffset ? old : new SegmentValue
        {
            State = segment.State,
            Epoch = segment.Epoch,
            Mode = settings!.Mode,
            BaseOffset = segment.BaseOffset,
            Ensemble = [.. segment.Ensemble.Select(EnsembleMember.From)],
            SlotNonce = segment.SlotNonce,
            OpenedAt = now,
        };
        value = value with
        {
            State = segment.State,
            LastEntry = segment.LastEntry,
            Chain = segment.Chain,
            LastSegment = segment.LastSegment,
            LastSlot = segment.LastSlot ?? value.LastSlot,
            Lost = segment.Lost is { } lost ? new LostRange(lost.From, lost.To) : value.Lost,
        };
        if (SegmentLifecycle.HasFixedEnd(segment.State) && value.SealedBy is null)
            value = value with { SealedBy = segment.Lost is null ? SealOrigin.Recovery : SealOrigin.Forced, SealedAt = now, RecoveryEpoch = null };
        if (segment.Manifest is { } manifest)
        {
            var (reference, bytes) = manifests(manifest);
            value = value with { Manifest = reference, StoredBytes = bytes };
        }

        return value;
    }

    private RestoreStep Mark(SegmentId segment, long slot, EntryId entry)
    {
        var nonce = runner.NewNonce();
        var key = MetadataKeys.SlotMark(_log);
        var value = new SlotMarkValue { Nonce = nonce, Segment = segment, LastSlot = slot, LastEntry = entry };
        var transaction = new MetadataTransaction().WhenModRevision(key, keys.SlotMark?.ModRevision ?? 0).Put(key, MetadataJson.Write(value));
        return new RestoreStep(transaction, key, nonce, Say($"slots up to {slot} of segment {segment} count"));
    }

    private RestoreStep Delete()
    {
        var nonce = runner.NewNonce();
        var key = MetadataKeys.Tombstone(_log);
        var transaction = new MetadataTransaction()
            .WhenAbsent(key)
            .Put(key, MetadataJson.Write(new TombstoneValue { Nonce = nonce, Name = settings?.Name ?? "", DeletedAt = runner.NowMicroseconds }));
        if (keys.Epoch is { } epoch)
            transaction.Put(epoch.Key, MetadataJson.Write(epoch.Value with { Nonce = nonce, Epoch = LogEpoch.Delete, Holder = null, HolderLive = null }));
        if (keys.Meta is { } meta)
        {
            transaction.Put(meta.Key, MetadataJson.Write(meta.Value with { Nonce = nonce, State = LogState.Deleting }));
            if (meta.Value.State == LogState.Live)
                transaction.Delete(MetadataKeys.Name(meta.Value.Name));
        }

        return new RestoreStep(transaction, key, nonce, "deleted again");
    }

    private Versioned<SegmentValue>? Find(SegmentId id)
    {
        foreach (var (known, segment) in keys.Segments)
        {
            if (known == id)
                return segment;
        }

        return null;
    }

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
