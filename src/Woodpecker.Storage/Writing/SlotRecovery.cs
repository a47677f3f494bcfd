using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Recovery;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// Recovery of MemoryBuffer segments: one fence slot ends them (B6), or, where their slots have a nonce, the mark in
/// metadata is their end (B11); the state is folded from slot 0 on (T8).
/// </summary>
/// <param name="store">The object store, with its retries.</param>
/// <param name="clusterId">The cluster; every slot carries it.</param>
/// <param name="ids">Nonces of fences.</param>
/// <param name="transactions">Reads the mark.</param>
/// <param name="storeFence">What the store can do: fence slots are put only if it honours conditional puts.</param>
public sealed class SlotRecovery(
    IObjectStore store, Guid clusterId, IIdSource ids, WriterTransactions transactions,
    SlotFence storeFence = SlotFence.Conditional) : ISegmentRecovery
{
    /// <inheritdoc/>
    public async ValueTask<RecoveryResult> RecoverAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (segment.SlotNonce is not null)
            return await RecoverVerifiedAsync(key, segment, cancellationToken);
        var fenced = await FenceAsync(key, segment, epoch, cancellationToken);
        return await ConcludeAsync(key, segment, fenced.LastSlot is { } last ? (long)last : -1, null, cancellationToken);
    }

    // B11. The caller's Acquire ended every writer that could move the mark; that this read is not older than that is
    // decided by the sealing transaction, which compares the mark's revision (X1).
    private async ValueTask<RecoveryResult> RecoverVerifiedAsync(
        SegmentKey key, SegmentValue segment, CancellationToken cancellationToken)
    {
        var mark = await transactions.ReadSlotMarkAsync(key.Log, cancellationToken);
        var isOfSegment = mark?.Value.Segment == key.Segment;
        if (mark is not null && mark.Value.Segment.Value > key.Segment.Value)
            throw Blocked(key, 0, $"the slot mark of the log speaks of the later segment {mark.Value.Segment}");
        var lastSlot = isOfSegment ? mark!.Value.LastSlot : -1;
        var result = await ConcludeAsync(key, segment, lastSlot, mark?.ModRevision ?? 0, cancellationToken);
        if (isOfSegment && result.End.LastEntry != mark!.Value.LastEntry)
            throw Blocked(key, (ulong)lastSlot, $"it ends at entry {result.End.LastEntry}, verified was {mark.Value.LastEntry}");
        return result;
    }

    private async ValueTask<RecoveryResult> ConcludeAsync(
        SegmentKey key, SegmentValue segment, long lastSlot, long? markRevision, CancellationToken cancellationToken)
    {
        var startChain = ChainHash.Start(key.Log, key.Segment, segment.Epoch, segment.BaseOffset!.Value);
        if (lastSlot < 0)
        {
            return new RecoveryResult(
                new SegmentEnd(EntryId.None, startChain, EntryId.None.Value, markRevision), SealOrigin.Recovery, null);
        }

        var folded = await FoldAsync(key, segment, startChain, lastSlot, cancellationToken);
        var end = new SegmentEnd(folded.LastEntry, folded.Chain, lastSlot, markRevision);
        return new RecoveryResult(end, SealOrigin.Recovery, folded.State);
    }

    /// <inheritdoc/>
    public ValueTask AnnounceSealAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, SegmentEnd end, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask<AppendFold?> LoadStateAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (segment.LastSlot is not { } lastSlot || lastSlot < 0)
            return null;
        var startChain = ChainHash.Start(key.Log, key.Segment, segment.Epoch, segment.BaseOffset!.Value);
        return (await FoldAsync(key, segment, startChain, lastSlot, cancellationToken)).State;
    }

    /// <summary>
    /// Ends a segment of a deleted log (D4). The deleting transaction changed the epoch key: verified slots need no more,
    /// since no VerifySlot can land any more (B10).
    /// </summary>
    public async ValueTask FenceDeletedAsync(
        SegmentKey key, SegmentValue segment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (segment.SlotNonce is null)
            await FenceAsync(key, segment, LogEpoch.Delete, cancellationToken);
    }

    /// <summary>Puts the one fence that ends the segment; idempotent, whoever put it (B6, B8).</summary>
    /// <exception cref="WoodpeckerException">Corrupt (RecoveryBlocked): a slot holds what it must not.</exception>
    public async ValueTask<SlotFenceCore> FenceAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        Invariant.Check(segment.SlotNonce is null, "B11: a verified segment has no fence slots");
        if (storeFence != SlotFence.Conditional)
            throw NeedsConditionalPuts(key);
        try
        {
            var core = new SlotFenceCore(await CountListedAsync(key, cancellationToken));
            var builder = new SlotObjectBuilder(clusterId, key, epoch, ids.NewNonce());
            while (core.Step == SlotFenceStep.PutFence)
            {
                var name = new ObjectKey(ObjectNames.Slot(key.Log, key.Segment, core.Candidate));
                var fence = builder.BuildFence(core.Candidate);
                var put = await store.PutIfAbsentAsync(name, fence.Content, fence.Crc32C, cancellationToken);
                core.OnContent(put == PutOutcome.Created
                    ? SlotContent.FenceCreated
                    : await LookAsync(name, Owner(key, segment), core.Candidate, cancellationToken));
            }

            return core.Step == SlotFenceStep.Fenced ? core
                : throw Blocked(key, core.Candidate, "it is neither a fence nor data of the segment");
        }
        catch (ObjectStoreException e)
        {
            throw Unavailable(key, e);
        }
    }

    // A hint: what is listed is a prefix that existed, nothing says that it is all (B6).
    private async ValueTask<ulong> CountListedAsync(SegmentKey key, CancellationToken cancellationToken)
    {
        ulong count = 0;
        await foreach (var info in store.ListAsync(
            ObjectNames.SegmentPrefix(key.Log, key.Segment) + "s-", null, cancellationToken))
        {
            if (!ObjectNames.TryParse(info.Key.Value, out var name) || name.Kind != ObjectKind.Slot)
                continue;
            // A fence is told by its length; behind it nothing counts.
            if (name.Slot != count || info.Length <= SlotObject.FenceSize)
                break;
            count++;
        }

        return count;
    }

    private async ValueTask<SlotContent> LookAsync(
        ObjectKey name, BlockOwner owner, ulong slot, CancellationToken cancellationToken)
    {
        var data = await store.GetAsync(name, ByteRange.From(0, BlockHeader.Size), BlockHeader.Size, cancellationToken);
        if (data is not { } found || !BlockHeader.Read(found.Bytes.Span, out var header).IsOk
            || !ObjectReaderBlock.CheckOwner(header, owner).IsOk || header.Number != slot)
        {
            return SlotContent.Foreign;
        }

        return header.IsFence ? SlotContent.Fence : SlotContent.Data;
    }

    private async ValueTask<(AppendFold State, EntryId LastEntry, ulong Chain)> FoldAsync(
        SegmentKey key, SegmentValue segment, ulong startChain, long lastSlot, CancellationToken cancellationToken)
    {
        var owner = Owner(key, segment);
        var names = SlotNames.Of(key, segment);
        AppendFold? state = null;
        var chain = startChain;
        var last = EntryId.None;
        for (long slot = 0; slot <= lastSlot; slot++)
        {
            var read = await ReadAsync(owner, names, slot, cancellationToken);
            if (slot == 0)
                state = SegmentHeaders.Load(LogReplay.ReadHeader(read.Header.Span, key));
            var block = read.Data!;
            if (block.Header.FirstEntry != last + 1 || block.Header.ChainBefore != chain)
                throw Blocked(key, (ulong)slot, "it does not continue the slot before it");
            LogReplay.FoldBody(state!, block.Raw.Span, block.Header.BodyStart);
            last = block.Header.FirstEntry + (block.Header.Count - 1);
            chain = block.Header.ChainAfter;
        }

        return (state!, last, chain);
    }

    private async ValueTask<SlotObject> ReadAsync(
        BlockOwner owner, SlotNames names, long slot, CancellationToken cancellationToken)
    {
        var key = new SegmentKey(owner.Log, owner.Segment);
        ObjectData? data;
        try
        {
            data = await store.GetAsync(names.Of(slot), ByteRange.Whole, SlotObject.MaxSize, cancellationToken);
        }
        catch (ObjectStoreException e)
        {
            throw Unavailable(key, e);
        }

        if (data is not { } found)
            throw WriterErrors.Failed(
                $"Slot {slot} of segment {key} does not exist; the segment may have been published.");
        var status = SlotObject.Read(found.Bytes.Span, slot, owner, out var read);
        return status.IsOk && !read.IsFence ? read : throw Blocked(key, (ulong)slot, status.ToString());
    }

    private BlockOwner Owner(SegmentKey key, SegmentValue segment) =>
        new(clusterId, key.Log, key.Segment, segment.Epoch, segment.BaseOffset!.Value);

    private static WoodpeckerException Blocked(SegmentKey key, ulong slot, string why) =>
        new(ErrorKind.Corrupt,
            $"Segment {key} cannot be recovered: slot {slot}: {why}.")
        { Reason = "RecoveryBlocked" };

    private static WoodpeckerException NeedsConditionalPuts(SegmentKey key) => new(
        ErrorKind.Unavailable,
        $"Segment {key} is ended by a fence slot, but the object store is used without conditional puts (fence=etcd-verify); "
        + "use a store that honours them.")
    {
        Reason = "FenceNotSupported",
    };

    private static WoodpeckerException Unavailable(SegmentKey key, ObjectStoreException cause) =>
        WriterErrors.Failed($"The slots of segment {key} cannot be reached: {cause.Message}", cause);
}
