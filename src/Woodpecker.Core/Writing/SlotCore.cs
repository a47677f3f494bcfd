namespace Woodpecker.Writing;

/// <summary>
/// Order of the slots of one MemoryBuffer segment: several in flight, acknowledged strictly in order (B2, B8, INV-24).
/// Under <see cref="SlotFence.Conditional"/> a slot is confirmed when it and all before it are in the store. Under
/// <see cref="SlotFence.EtcdVerify"/> that only makes it <see cref="Unverified"/>: it is confirmed when a transaction
/// that passed consensus says so (B10).
/// </summary>
/// <remarks>Threads: one at a time; its owner guards it.</remarks>
public sealed class SlotCore
{
    private readonly Queue<SlotMark> _sent = new();
    private readonly Queue<SlotMark> _unverified = new();
    private readonly HashSet<ulong> _stored = [];
    private readonly int _maxInFlight;
    private readonly SlotFence _fence;

    /// <summary>Starts at slot 0.</summary>
    /// <param name="maxInFlight">Slots that may be sent and not confirmed.</param>
    /// <param name="fence">What confirms a slot.</param>
    public SlotCore(int maxInFlight, SlotFence fence = SlotFence.Conditional) =>
        (_maxInFlight, _fence) = (maxInFlight, fence);

    /// <summary>Number of the next slot.</summary>
    public ulong NextSlot { get; private set; }

    /// <summary>Last entry of the last confirmed slot: the segment's LAC.</summary>
    public EntryId ConfirmedEntry { get; private set; } = EntryId.None;

    /// <summary>The last confirmed slot; null before the first.</summary>
    public ulong? ConfirmedSlot { get; private set; }

    /// <summary>The stored prefix that waits for its verification; null where none does.</summary>
    public SlotMark? Unverified => IsDead || _unverified.Count == 0 ? null : _unverifiedEnd;

    /// <summary>Slots taken and not confirmed.</summary>
    public int InFlightCount => _sent.Count + _unverified.Count;

    /// <summary>Whether another slot may be put.</summary>
    public bool HasRoom => !IsDead && InFlightCount < _maxInFlight;

    /// <summary>Whether a slot was foreign or failed: nothing is confirmed any more (B3, B4).</summary>
    public bool IsDead { get; private set; }

    /// <summary>Whether the death was a fence, not a failure.</summary>
    public bool IsFenced { get; private set; }

    private SlotMark _unverifiedEnd;

    /// <summary>Takes the next slot for entries up to this one.</summary>
    public ulong Take(EntryId lastEntry)
    {
        Invariant.Check(HasRoom, "B2");
        _sent.Enqueue(new SlotMark(NextSlot, lastEntry));
        return NextSlot++;
    }

    /// <summary>A put ended.</summary>
    /// <returns>Whether the prefix of stored slots grew.</returns>
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
            if (_fence == SlotFence.EtcdVerify && !Mutation.Is(KnownMistake.AckBeforeVerify))
                _unverified.Enqueue(_unverifiedEnd = next);
            else
                Confirm(next);
            rose = true;
        }

        return rose;
    }

    /// <summary>Metadata holds this mark, put there by a transaction that compared the epoch (B10).</summary>
    /// <returns>Whether <see cref="ConfirmedEntry"/> rose.</returns>
    public bool OnVerified(SlotMark mark)
    {
        if (IsDead)
            return false;
        var rose = false;
        while (_unverified.TryPeek(out var next) && next.Slot <= mark.Slot)
        {
            _unverified.Dequeue();
            Confirm(next);
            rose = true;
        }

        Invariant.Check(ConfirmedSlot == mark.Slot && ConfirmedEntry == mark.LastEntry, "INV-24");
        return rose;
    }

    private void Confirm(SlotMark mark)
    {
        ConfirmedEntry = mark.LastEntry;
        ConfirmedSlot = mark.Slot;
    }
}
