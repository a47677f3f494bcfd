using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>
/// A writer's transactions by their names in docs/PROTOCOL.md: Acquire, Reassert, Release, OpenNext, Roll, SealOwn,
/// StartRec, SealRec, SealRecOpen, VerifySlot. Every one but Acquire compares the epoch key's revision (epoch-ok, INV-18).
/// </summary>
/// <remarks>Threads: any; the caller sends one at a time per log. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class WriterTransactions(TransactionRunner runner)
{
    /// <summary>The epoch key; null if the log is gone.</summary>
    public ValueTask<Versioned<EpochValue>?> ReadEpochAsync(LogId log, CancellationToken cancellationToken) =>
        runner.ReadAsync<EpochValue>(MetadataKeys.Epoch(log), cancellationToken);

    /// <summary>All segment keys of the log in order, at one revision.</summary>
    public async ValueTask<IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)>> ListSegmentsAsync(
        LogId log, CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.SegmentPrefix(log), cancellationToken);
        var result = new List<(SegmentId, Versioned<SegmentValue>)>(listing.Entries.Count);
        foreach (var entry in listing.Entries)
        {
            if (!MetadataKeys.TryParseSegment(entry.Key, out var id))
                throw new MetadataException(MetadataErrorKind.Corrupt, $"The metadata key {entry.Key} is not a segment key.");
            result.Add((id, Versioned<SegmentValue>.From(entry)));
        }

        return result;
    }

    /// <summary>Acquire: raises the epoch (T1). Not forced, it succeeds only if the holder released or its live key is gone.</summary>
    public async ValueTask<AcquireResult> AcquireAsync(
        LogId log, string appId, long liveCreateRevision, bool isForced, CancellationToken cancellationToken)
    {
        var epoch = await ReadEpochAsync(log, cancellationToken);
        var meta = await runner.ReadAsync<LogValue>(MetadataKeys.Meta(log), cancellationToken);
        if (epoch is null || meta is null || meta.Value.State != LogState.Live || epoch.Value.Epoch >= LogEpoch.MaxWriter)
            return new AcquireResult(AcquireOutcome.Gone, null, null, null);
        var nonce = runner.NewNonce();
        var value = epoch.Value with
        {
            Nonce = nonce,
            Epoch = epoch.Value.Epoch.Next,
            Holder = appId,
            HolderLive = liveCreateRevision,
        };
        var transaction = new MetadataTransaction()
            .WhenModRevision(epoch.Key, epoch.ModRevision)
            .WhenModRevision(meta.Key, meta.ModRevision);
        var (holder, holderLive) = (epoch.Value.Holder, epoch.Value.HolderLive);
        if (!isForced && holder is not null && holderLive is { } live)
            transaction.WhenCreateRevisionIsNot(MetadataKeys.Live(holder), live);
        transaction.Put(epoch.Key, MetadataJson.Write(value));
        var result = await runner.RunAsync<EpochValue>(transaction, epoch.Key, nonce, cancellationToken);
        if (result.Landed)
        {
            var reign = new Reign(log, value.Epoch, result.Revision, appId);
            return new AcquireResult(AcquireOutcome.Acquired, reign, null, null);
        }

        var isUnchanged = result.Find(epoch.Key)?.ModRevision == epoch.ModRevision
            && result.Find(meta.Key)?.ModRevision == meta.ModRevision;
        return isUnchanged
            ? new AcquireResult(AcquireOutcome.Held, null, holder, holderLive)
            : new AcquireResult(AcquireOutcome.Lost, null, null, null);
    }

    /// <summary>Reassert: the own live key was lost and made again; the epoch stays. No other transaction of the log may be in flight.</summary>
    /// <returns>The reign with its new revision; null if the reign is over.</returns>
    public ValueTask<Reign?> ReassertAsync(Reign reign, long liveCreateRevision, CancellationToken cancellationToken) =>
        RewriteEpochAsync(reign, reign.Holder, liveCreateRevision, cancellationToken);

    /// <summary>Release: gives the log up; the writer fences itself.</summary>
    /// <returns>Whether the reign was still ours.</returns>
    public async ValueTask<bool> ReleaseAsync(Reign reign, CancellationToken cancellationToken) =>
        await RewriteEpochAsync(reign, null, null, cancellationToken) is not null;

    /// <summary>OpenNext: opens a segment after a sealed one, or the first.</summary>
    /// <param name="reign">The reign.</param>
    /// <param name="id">Exactly the next id (X2).</param>
    /// <param name="segment">State Open with base offset, epoch and ensemble.</param>
    /// <param name="preparedRevision">mod_revision of a Prepared key that is replaced; 0 if there is none.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown.</param>
    public async ValueTask<SegmentTransactionResult> OpenNextAsync(
        Reign reign, SegmentId id, SegmentValue segment, long preparedRevision, CancellationToken cancellationToken)
    {
        CheckOpens(reign, segment);
        var key = MetadataKeys.Segment(reign.Log, id);
        var nonce = runner.NewNonce();
        var value = segment with { Nonce = nonce };
        var transaction = Begin(reign).WhenModRevision(key, preparedRevision);
        if (id.Value > 0)
            transaction.WhenPresent(MetadataKeys.Segment(reign.Log, new SegmentId(id.Value - 1)));
        transaction.Put(key, MetadataJson.Write(value));
        var result = await runner.RunAsync<SegmentValue>(transaction, key, nonce, cancellationToken);
        return Answer(reign, result, key, value, preparedRevision, sealedSegment: null);
    }

    /// <summary>Roll: seals the own open segment at its LAC and opens the next one, in one step.</summary>
    /// <param name="reign">The reign.</param>
    /// <param name="id">The open segment.</param>
    /// <param name="open">The open segment as last written.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="next">The next segment: Open, base offset right after <paramref name="end"/>.</param>
    /// <param name="preparedRevision">mod_revision of a Prepared next key; 0 if there is none.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown.</param>
    public ValueTask<SegmentTransactionResult> RollAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> open,
        SegmentEnd end,
        SegmentValue next,
        long preparedRevision,
        CancellationToken cancellationToken)
    {
        Invariant.Check(open.Value.State == SegmentState.Open, "Roll seals an Open segment");
        return SealAndOpenAsync(reign, id, open, end, SealOrigin.Own, next, preparedRevision, cancellationToken);
    }

    /// <summary>SealRecOpen: seals a recovered segment and opens the next one (T7).</summary>
    public ValueTask<SegmentTransactionResult> SealRecoveredAndOpenAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> recovering,
        SegmentEnd end,
        SealOrigin origin,
        SegmentValue next,
        long preparedRevision,
        CancellationToken cancellationToken)
    {
        Invariant.Check(recovering.Value.State == SegmentState.Recovering, "SealRecOpen seals a Recovering segment");
        return SealAndOpenAsync(reign, id, recovering, end, origin, next, preparedRevision, cancellationToken);
    }

    /// <summary>SealOwn: seals the own open segment without opening another; a Prepared successor is dropped.</summary>
    public ValueTask<SegmentTransactionResult> SealOwnAsync(
        Reign reign, SegmentId id, Versioned<SegmentValue> open, SegmentEnd end, CancellationToken cancellationToken)
    {
        Invariant.Check(open.Value.State == SegmentState.Open, "SealOwn seals an Open segment");
        return SealAsync(reign, id, open, end, SealOrigin.Own, cancellationToken);
    }

    /// <summary>SealRec: seals a recovered segment when no next one can be formed.</summary>
    public ValueTask<SegmentTransactionResult> SealRecoveredAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> recovering,
        SegmentEnd end,
        SealOrigin origin,
        CancellationToken cancellationToken)
    {
        Invariant.Check(recovering.Value.State == SegmentState.Recovering, "SealRec seals a Recovering segment");
        return SealAsync(reign, id, recovering, end, origin, cancellationToken);
    }

    /// <summary>StartRec: takes an Open or Recovering segment of an earlier reign into recovery (T2).</summary>
    public async ValueTask<SegmentTransactionResult> StartRecoveryAsync(
        Reign reign, SegmentId id, Versioned<SegmentValue> segment, CancellationToken cancellationToken)
    {
        Invariant.Check(segment.Value.State is SegmentState.Open or SegmentState.Recovering, "StartRec takes an unsealed segment");
        var key = MetadataKeys.Segment(reign.Log, id);
        var nonce = runner.NewNonce();
        var value = segment.Value with { Nonce = nonce, State = SegmentState.Recovering, RecoveryEpoch = reign.Epoch };
        var transaction = Begin(reign)
            .WhenModRevision(key, segment.ModRevision)
            .Put(key, MetadataJson.Write(value));
        var result = await runner.RunAsync<SegmentValue>(transaction, key, nonce, cancellationToken);
        return Answer(reign, result, key, value, segment.CreateRevision, sealedSegment: null);
    }

    /// <summary>The slot mark of the log; null before the first one. A read alone establishes nothing (X1).</summary>
    public ValueTask<Versioned<SlotMarkValue>?> ReadSlotMarkAsync(LogId log, CancellationToken cancellationToken) =>
        runner.ReadAsync<SlotMarkValue>(MetadataKeys.SlotMark(log), cancellationToken);

    /// <summary>
    /// VerifySlot: makes the stored slots up to a mark count (B10). It also compares the segment and the mark before, so
    /// that an attempt which arrives late, after its outcome was settled, can neither move the mark back nor follow a seal.
    /// </summary>
    /// <param name="reign">The reign.</param>
    /// <param name="id">The open segment.</param>
    /// <param name="open">It as last written.</param>
    /// <param name="mark">Slots 0..mark are stored.</param>
    /// <param name="markRevision">mod_revision of the mark before; 0 if there is none.</param>
    /// <param name="cancellationToken">Stops waiting; the outcome may then be Unknown and nothing may be acknowledged.</param>
    public async ValueTask<SlotMarkResult> VerifySlotAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> open,
        SlotMark mark,
        long markRevision,
        CancellationToken cancellationToken)
    {
        Invariant.Check(open.Value is { State: SegmentState.Open, SlotNonce: not null }, "B10");
        var key = MetadataKeys.SlotMark(reign.Log);
        var value = new SlotMarkValue
        {
            Nonce = runner.NewNonce(),
            Segment = id,
            LastSlot = (long)mark.Slot,
            LastEntry = mark.LastEntry,
        };
        var transaction = Begin(reign)
            .WhenModRevision(open.Key, open.ModRevision)
            .WhenModRevision(key, markRevision)
            .Put(key, MetadataJson.Write(value));
        var result = await runner.RunAsync<SlotMarkValue>(transaction, key, value.Nonce, cancellationToken);
        if (result.Landed)
            return new SlotMarkResult(ReignOutcome.Landed, result.Revision);
        var isReigning = result.Find(MetadataKeys.Epoch(reign.Log))?.ModRevision == reign.EpochRev;
        return new SlotMarkResult(isReigning ? ReignOutcome.Conflict : ReignOutcome.Fenced, 0);
    }

    /// <summary>A transaction that holds under this reign only (epoch-ok).</summary>
    internal static MetadataTransaction Begin(Reign reign) =>
        new MetadataTransaction().WhenModRevision(MetadataKeys.Epoch(reign.Log), reign.EpochRev);

    private static MetadataTransaction Begin(Reign reign, in SegmentEnd end)
    {
        var transaction = Begin(reign);
        return end.MarkRevision is { } revision
            ? transaction.WhenModRevision(MetadataKeys.SlotMark(reign.Log), revision)
            : transaction;
    }

    private static void CheckOpens(Reign reign, SegmentValue segment)
    {
        Invariant.Check(segment.State == SegmentState.Open, "an opening transaction writes Open");
        Invariant.Check(segment.Epoch == reign.Epoch, "a segment is written by the reign that opens it");
        Invariant.Check(segment.BaseOffset is not null, "INV-33");
    }

    /// <summary>The sealed value of a segment.</summary>
    internal static SegmentValue Seal(SegmentValue segment, SegmentEnd end, SealOrigin origin, long now, Guid nonce) =>
        segment with
        {
            State = SegmentState.Sealed,
            LastEntry = end.LastEntry,
            LastSlot = end.LastSlot,
            Chain = end.Chain,
            SealedBy = origin,
            SealedAt = now,
            Nonce = nonce,
            SealNonce = nonce,
        };

    /// <summary>What the outcome of a segment transaction means for the reign.</summary>
    internal static SegmentTransactionResult Answer(
        Reign reign,
        TransactionResult result,
        string key,
        SegmentValue value,
        long createRevision,
        Versioned<SegmentValue>? sealedSegment)
    {
        if (result.Landed)
        {
            var created = createRevision == 0 ? result.Revision : createRevision;
            var segment = new Versioned<SegmentValue>(key, value, created, result.Revision);
            return new SegmentTransactionResult(
                ReignOutcome.Landed, segment, sealedSegment is null ? null : sealedSegment with { ModRevision = result.Revision });
        }

        var isReigning = result.Find(MetadataKeys.Epoch(reign.Log))?.ModRevision == reign.EpochRev;
        return new SegmentTransactionResult(isReigning ? ReignOutcome.Conflict : ReignOutcome.Fenced, null, null);
    }

    private async ValueTask<SegmentTransactionResult> SealAndOpenAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> segment,
        SegmentEnd end,
        SealOrigin origin,
        SegmentValue next,
        long preparedRevision,
        CancellationToken cancellationToken)
    {
        CheckOpens(reign, next);
        Invariant.Check(next.BaseOffset == segment.Value.BaseOffset!.Value + (end.LastEntry.Value + 1), "INV-33");
        var key = MetadataKeys.Segment(reign.Log, id);
        var nextKey = MetadataKeys.Segment(reign.Log, id.Next);
        var nonce = runner.NewNonce();
        var sealedValue = Seal(segment.Value, end, origin, runner.NowMicroseconds, nonce);
        var nextValue = next with { Nonce = nonce };
        var transaction = Begin(reign, end)
            .WhenModRevision(key, segment.ModRevision)
            .WhenModRevision(nextKey, preparedRevision)
            .Put(key, MetadataJson.Write(sealedValue))
            .Put(nextKey, MetadataJson.Write(nextValue));

        // X6: seg/n+1 decides, since only the writer touches it; Publish may already have rewritten seg/n.
        var result = await runner.RunAsync<SegmentValue>(transaction, nextKey, nonce, cancellationToken);
        return Answer(
            reign, result, nextKey, nextValue, preparedRevision, new Versioned<SegmentValue>(key, sealedValue, segment.CreateRevision, 0));
    }

    private async ValueTask<SegmentTransactionResult> SealAsync(
        Reign reign,
        SegmentId id,
        Versioned<SegmentValue> segment,
        SegmentEnd end,
        SealOrigin origin,
        CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Segment(reign.Log, id);
        var nonce = runner.NewNonce();
        var value = Seal(segment.Value, end, origin, runner.NowMicroseconds, nonce);
        var transaction = Begin(reign, end)
            .WhenModRevision(key, segment.ModRevision)
            .Put(key, MetadataJson.Write(value))
            .Delete(MetadataKeys.Segment(reign.Log, id.Next));
        var result = await runner.RunAsync(
            transaction,
            key,
            entry => entry is not null && MetadataJson.Read<SegmentValue>(entry).SealNonce == nonce,
            cancellationToken);
        return Answer(reign, result, key, value, segment.CreateRevision, sealedSegment: null);
    }

    private async ValueTask<Reign?> RewriteEpochAsync(
        Reign reign, string? holder, long? holderLive, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Epoch(reign.Log);
        var nonce = runner.NewNonce();
        var current = await ReadEpochAsync(reign.Log, cancellationToken);
        if (current is null || current.ModRevision != reign.EpochRev)
            return null;
        var value = current.Value with { Nonce = nonce, Epoch = reign.Epoch, Holder = holder, HolderLive = holderLive };
        var result = await runner.RunAsync<EpochValue>(
            Begin(reign).Put(key, MetadataJson.Write(value)), key, nonce, cancellationToken);
        return result.Landed ? reign with { EpochRev = result.Revision } : null;
    }
}
