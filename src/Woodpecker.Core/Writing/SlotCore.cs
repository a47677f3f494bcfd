namespace Woodpecker.Writing;

/// <summary>What a put of a slot came to, after comparing where the slot existed (B3).</summary>
public enum SlotPutOutcome
{
    /// <summary>The slot holds this writer's bytes: created now, or by an earlier try of the same put.</summary>
    Mine,

    /// <summary>The slot holds something else: a fence or another writer's data.</summary>
    Foreign,

    /// <summary>The retry budget is used up and the outcome is unknown.</summary>
    Failed,
}

/// <summary>
/// Order of the slots of one MemoryBuffer segment: several in flight, acknowledged strictly in order (B2, B8, INV-24).
/// A slot is confirmed when it and all before it are in the store.
/// </summary>
/// <remarks>Threads: one at a time; its owner guards it.</remarks>
public sealed class SlotCore
{
    private readonly Queue<(ulong Slot, EntryId LastEntry)> _sent = new();
    private readonly HashSet<ulong> _stored = [];
    private readonly int _maxInFlight;

    /// <summary>Starts at slot 0.</summary>
    /// <param name="maxInFlight">Slots that may be put at the same time.</param>
    public SlotCore(int maxInFlight) => _maxInFlight = maxInFlight;

    /// <summary>Number of the next slot.</summary>
    public ulong NextSlot { get; private set; }

    /// <summary>Last entry of the last confirmed slot: the segment's LAC.</summary>
    public EntryId ConfirmedEntry { get; private set; } = EntryId.None;

    /// <summary>The last confirmed slot; null before the first.</summary>
    public ulong? ConfirmedSlot { get; private set; }

    /// <summary>Slots taken and not confirmed.</summary>
    public int InFlightCount => _sent.Count;

    /// <summary>Whether another slot may be put.</summary>
    public bool HasRoom => !IsDead && _sent.Count < _maxInFlight;

    /// <summary>Whether a slot was foreign or failed: nothing is confirmed any more (B3, B4).</summary>
    public bool IsDead { get; private set; }

    /// <summary>Whether the death was a fence, not a failure.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>Takes the next slot for entries up to this one.</summary>
    public ulong Take(EntryId lastEntry)
    {
        Invariant.Check(HasRoom, "B2");
        _sent.Enqueue((NextSlot, lastEntry));
        return NextSlot++;
    }

    /// <summary>A put ended.</summary>
    /// <returns>Whether <see cref="ConfirmedEntry"/> rose.</returns>
    public bool OnPut(ulong slot, SlotPutOutcome outcome)
    {
        if (IsDead)
            return false;
        if (outcome != SlotPutOutcome.Mine)
        {
            // Slots before this one may still be confirmed by nobody: their callers hear Indeterminate, never Ok late.
            IsDead = true;
            IsFenced = outcome == SlotPutOutcome.Foreign;
            return false;
        }

        if (Mutation.Is(KnownMistake.SlotsOutOfOrder) && !(slot < ConfirmedSlot))
        {
            while (_sent.TryDequeue(out var early) && early.Slot <= slot)
                (ConfirmedEntry, ConfirmedSlot) = (early.LastEntry, early.Slot);
            return true;
        }

        _stored.Add(slot);
        var rose = false;
        while (_sent.TryPeek(out var next) && _stored.Remove(next.Slot))
        {
            _sent.Dequeue();
            ConfirmedEntry = next.LastEntry;
            ConfirmedSlot = next.Slot;
            rose = true;
        }

        return rose;
    }
}
