using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Reads MemoryBuffer segments that are not published: slot n is visible if and only if slots 0..n exist and none of
/// them is a fence (B7); with a slot nonce, if and only if the mark in metadata covers it (B11). Of a sealed segment,
/// slots and entries up to the sealed end (V1).
/// </summary>
/// <remarks>
/// Threads: any number of readers share one instance. Errors: answers (V2).
/// Cost:    at the tail one read per poll; elsewhere one listing and a binary search over block headers, once per
///          segment.
/// </remarks>
/// <param name="store">The object store.</param>
/// <param name="cache">Verified blocks, shared with other readers of the process.</param>
/// <param name="clusterId">The cluster's id; every slot carries it.</param>
public sealed class SlotReader(
    IObjectStore store, BlockCache cache, Func<CancellationToken, ValueTask<Guid>> clusterId) : ISegmentSource
{
    private const int MaxSegments = 1024;

    private readonly BoundedMap<SegmentKey, SlotMap> _maps = new(MaxSegments);

    /// <inheritdoc/>
    public async ValueTask<SourceRead> ReadAsync(
        SegmentAddress place, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        if (place.Value.Mode != LogMode.MemoryBuffer || place.Value.BaseOffset is not { } baseOffset)
            return SourceRead.Failed(SourceAnswer.Missing, "the segment has no slots");
        try
        {
            var owner = new BlockOwner(
                await clusterId(cancellationToken), place.Log, place.Segment, place.Value.Epoch, baseOffset);
            var map = _maps.GetOrAdd(new SegmentKey(place.Log, place.Segment), static _ => new SlotMap());
            var slots = new Slots(owner, SlotNames.Of(new SegmentKey(place.Log, place.Segment), place.Value), map);
            return await ReadAsync(KnownEnd.Of(place), slots, from, maxBytes, cancellationToken);
        }
        catch (ObjectStoreException e)
        {
            return SourceRead.Failed(ObjectReaderAnswers.From(e), e.Message);
        }
    }

    private async ValueTask<SourceRead> ReadAsync(
        KnownEnd known, Slots slots, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        var (owner, map) = (slots.Owner, slots.Map);
        var wanted = new EntryId(from - owner.BaseOffset);
        if (known.LastEntry is { } end && wanted > end)
            return known.IsSealed ? SourceRead.EndOfSegment(end) : SourceRead.NotYet(end);
        if (known.LastSlot is { } lastSlot)
            map.LearnVisible(lastSlot + 1);
        else if (map.VisibleCount == 0 && wanted.Value > 0)
            map.LearnVisible(await CountVisibleAsync(owner, cancellationToken));

        var first = await FindAsync(slots, wanted, cancellationToken);
        if (first.Answer != SourceAnswer.Entries)
            return SourceRead.Failed(first.Answer, first.Detail);
        List<LogEntry> entries = [];
        long bytes = 0;
        var slot = first.Value;
        var lastVisible = EntryId.None;

        // Past the known end only where existence alone tells: the next slot may have come.
        while (known.LastSlot is not { } limit || slot <= limit)
        {
            var read = await FetchAsync(slots, slot, cancellationToken);
            if (read.Value is not { } block)
            {
                if (entries.Count > 0 || read.Answer == SourceAnswer.NotYet)
                    break;
                // Slots below the known end exist (B7) unless the segment was published meanwhile.
                return SourceRead.Failed(read.Answer, read.Detail);
            }

            bytes += ObjectReaderBlock.AddEntries(block, from, entries);
            lastVisible = block.Header.FirstEntry + (block.Header.Count - 1);
            slot++;
            if (entries.Count > 0 && (bytes >= maxBytes || entries.Count >= Limits.MaxReadEntries))
                break;
        }

        lastVisible = known.LastEntry ?? EntryId.Max(lastVisible, await LastKnownAsync(slots, cancellationToken));
        return entries.Count > 0 ? SourceRead.Of(Clip(entries, owner, known.LastEntry), lastVisible) : SourceRead.NotYet(lastVisible);
    }

    // V1, B11: whatever stands in a slot, nothing past the sealed or verified end is handed out.
    private static List<LogEntry> Clip(List<LogEntry> entries, in BlockOwner owner, EntryId? lastEntry)
    {
        if (lastEntry is { } last)
        {
            var end = owner.BaseOffset + (last.Value + 1);
            entries.RemoveAll(entry => entry.Offset >= end);
        }

        return entries;
    }

    /// <summary>Finds the slot that holds or will hold an entry.</summary>
    private async ValueTask<ObjectRead<long>> FindAsync(
        Slots slots, EntryId wanted, CancellationToken cancellationToken)
    {
        var map = slots.Map;
        long low = 0;
        var high = map.VisibleCount;
        // The first slot that begins after the wanted entry; the one before it is the place. Slot 0 begins at entry 0.
        long after = 1;
        while (after < high)
        {
            var middle = after + ((high - after) / 2);
            var place = await LookAsync(slots, middle, cancellationToken);
            if (place.Answer != SourceAnswer.Entries)
                return ObjectRead<long>.Failed(place.Answer, place.Detail);
            if (place.Value.FirstEntry > wanted)
                high = middle;
            else
                (low, after) = (middle, middle + 1);
        }

        // Behind all known slots, the next one is looked at.
        if (low + 1 == map.VisibleCount && map.Find(low) is { } last && wanted > last.LastEntry)
            low++;
        return ObjectRead<long>.Of(low);
    }

    private async ValueTask<EntryId> LastKnownAsync(Slots slots, CancellationToken cancellationToken)
    {
        var map = slots.Map;
        var count = map.VisibleCount;
        if (count == 0)
            return EntryId.None;
        if (map.Find(count - 1) is { } known)
            return known.LastEntry;
        var block = await FetchAsync(slots, count - 1, cancellationToken);
        return block.Value is null ? EntryId.None : map.Find(count - 1)!.Value.LastEntry;
    }

    /// <summary>Where a visible slot begins: known, or by reading its header only.</summary>
    private async ValueTask<ObjectRead<SlotPlace>> LookAsync(
        Slots slots, long slot, CancellationToken cancellationToken)
    {
        var map = slots.Map;
        if (map.Find(slot) is { } known)
            return ObjectRead<SlotPlace>.Of(known);
        var key = slots.Names.Of(slot);
        var data = await store.GetAsync(key, ByteRange.From(0, BlockHeader.Size), BlockHeader.Size, cancellationToken);
        if (data is not { } found)
            return ObjectRead<SlotPlace>.Failed(SourceAnswer.Missing, $"slot {key} does not exist");
        var status = BlockHeader.Read(found.Bytes.Span, out var header);
        if (status.IsOk)
            status = ObjectReaderBlock.CheckOwner(header, slots.Owner);
        if (status.IsOk && (header.IsFence || header.IsSegmentHeader || header.Number != (ulong)slot))
            status = ReadStatus.Corrupt("not the data slot it must be", 0);
        if (!status.IsOk)
            return ObjectRead<SlotPlace>.Failed(SourceAnswer.Corrupt, $"slot {key}: {status}");
        var learned = new SlotPlace(header.FirstEntry, header.Count);
        map.Learn(slot, learned);
        return ObjectRead<SlotPlace>.Of(learned);
    }

    /// <summary>Reads a slot; NotYet where it does not exist or is a fence at the end of the visible ones.</summary>
    private async ValueTask<ObjectRead<CachedBlock>> FetchAsync(
        Slots slots, long slot, CancellationToken cancellationToken)
    {
        var map = slots.Map;
        var key = slots.Names.Of(slot);
        var isKnown = slot < map.VisibleCount;
        if (isKnown && cache.Find(key.Value, 0) is { } cached)
        {
            Learn(map, slot, cached);
            return ObjectRead<CachedBlock>.Of(cached);
        }

        var data = await store.GetAsync(key, ByteRange.Whole, SlotObject.MaxSize, cancellationToken);
        if (data is not { } found)
        {
            return ObjectRead<CachedBlock>.Failed(
                isKnown ? SourceAnswer.Missing : SourceAnswer.NotYet, $"slot {key} does not exist");
        }

        var status = SlotObject.Read(found.Bytes.Span, slot, slots.Owner, out var read);
        if (!status.IsOk)
            return ObjectRead<CachedBlock>.Failed(SourceAnswer.Corrupt, $"slot {key}: {status}");
        if (read.IsFence)
        {
            return ObjectRead<CachedBlock>.Failed(
                isKnown ? SourceAnswer.Corrupt : SourceAnswer.NotYet, $"slot {key} is a fence");
        }

        map.LearnVisible(slot + 1);
        Learn(map, slot, read.Data!);
        cache.Add(key.Value, 0, read.Data!);
        return ObjectRead<CachedBlock>.Of(read.Data!);
    }

    private static void Learn(SlotMap map, long slot, CachedBlock block) =>
        map.Learn(slot, new SlotPlace(block.Header.FirstEntry, block.Header.Count));

    /// <summary>Slots 0..n-1 of a listing that exist and are no fences; a fence is told by its length.</summary>
    private async ValueTask<long> CountVisibleAsync(BlockOwner owner, CancellationToken cancellationToken)
    {
        long count = 0;
        await foreach (var info in store.ListAsync(
            ObjectNames.SegmentPrefix(owner.Log, owner.Segment) + "s-", null, cancellationToken))
        {
            if (!ObjectNames.TryParse(info.Key.Value, out var name) || name.Kind != ObjectKind.Slot)
                continue;
            if (name.Slot != (ulong)count || info.Length <= SlotObject.FenceSize)
                break;
            count++;
        }

        return count;
    }

    /// <summary>The slots of one segment: whose they are, how they are called, what is known of them.</summary>
    private readonly record struct Slots(BlockOwner Owner, SlotNames Names, SlotMap Map);

    /// <summary>What metadata says about the end: the sealed one, or the verified one; nulls where slots tell themselves (B7).</summary>
    private readonly record struct KnownEnd(long? LastSlot, EntryId? LastEntry, bool IsSealed)
    {
        public static KnownEnd Of(SegmentAddress place)
        {
            if (place.Value.LastEntry is not null)
                return new KnownEnd(place.Value.LastSlot, place.Value.LastEntry, IsSealed: true);
            return place.Value.SlotNonce is null
                ? default
                : new KnownEnd(place.Mark?.LastSlot ?? -1, place.Mark?.LastEntry ?? EntryId.None, IsSealed: false);
        }
    }
}
