namespace Woodpecker.Writing;

/// <summary>
/// Decisions of one writer session over its whole reign of a log: who gets which offset, when a batch is confirmed, in
/// which order callers hear of it, and what survives a roll. Bytes, time and calls stay with the shell.
/// </summary>
/// <remarks>
/// Shape:   batches in flight form one queue by assignment. Offsets stay for ever; EntryIds follow from the segment's
///          base,
///          so a re-appended batch keeps its offset (INV-34).
/// Threads: one.
/// Rules:   W1, W4, W5, W7, W10, section 10; INV-5, 16, 19, 33, 34.
/// </remarks>
/// <typeparam name="TTicket">What the shell needs to find the caller again.</typeparam>
public sealed class WriterCore<TTicket>
{
    private readonly AppendGuard _guard;
    private readonly Queue<InFlightBatch<TTicket>> _inFlight = new();

    /// <summary>Starts a session without an open segment.</summary>
    /// <param name="epoch">The epoch of the reign.</param>
    /// <param name="nextOffset">End of the log: everything below is sealed.</param>
    /// <param name="state">Producers and token at that end; owned from here on.</param>
    /// <param name="requiresToken">Whether appends that name no token are refused while one is set.</param>
    public WriterCore(LogEpoch epoch, Offset nextOffset, AppendFold state, bool requiresToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        Epoch = epoch;
        BaseOffset = NextOffset = FramedEnd = ConfirmedEnd = nextOffset;
        ConfirmedState = state;
        _guard = new AppendGuard(state.Clone(), requiresToken);
    }

    /// <summary>The epoch of the reign.</summary>
    public LogEpoch Epoch { get; }

    /// <summary>What may be done now.</summary>
    public WriterPhase Phase { get; private set; } = WriterPhase.Idle;

    /// <summary>The open (or frozen) segment; meaningless when idle.</summary>
    public SegmentId Segment { get; private set; }

    /// <summary>Offset of the open segment's first entry.</summary>
    public Offset BaseOffset { get; private set; }

    /// <summary>Offset that the next entry gets.</summary>
    public Offset NextOffset { get; private set; }

    /// <summary>Offset after the last entry that was put into a frame.</summary>
    public Offset FramedEnd { get; private set; }

    /// <summary>Offset after the last confirmed entry.</summary>
    public Offset ConfirmedEnd { get; private set; }

    /// <summary>LAC of the open segment.</summary>
    public EntryId ConfirmedEntry => ToEntry(ConfirmedEnd) + -1;

    /// <summary>Highest entry assigned in the open segment.</summary>
    public EntryId AssignedEntry => ToEntry(NextOffset) + -1;

    /// <summary>Batches whose callers have not been answered through <see cref="TryTakeCompleted"/>.</summary>
    public int InFlightCount => _inFlight.Count;

    /// <summary>The batches in flight, oldest first.</summary>
    public IReadOnlyCollection<InFlightBatch<TTicket>> InFlight => _inFlight;

    /// <summary>Whether every assigned entry is confirmed.</summary>
    public bool IsQuiet => ConfirmedEnd == NextOffset;

    /// <summary>
    /// Producers and token of the batches taken by <see cref="TryTakeCompleted"/>: what the header of the next segment
    /// says.
    /// Entries in flight are not in it, because a takeover may not find them (INV-37).
    /// </summary>
    public AppendFold ConfirmedState { get; }

    /// <summary>
    /// A transaction opened this segment; known to have succeeded (INV-36). Un-confirmed entries move to it.
    /// </summary>
    /// <param name="segment">The next segment.</param>
    /// <param name="baseOffset">Its base as written to metadata.</param>
    public void OpenSegment(SegmentId segment, Offset baseOffset)
    {
        Invariant.Check(Phase is WriterPhase.Idle or WriterPhase.Frozen, "W10");
        // INV-33, INV-34: the sealed end is what was confirmed, so everything after it keeps its offset.
        Invariant.Check(baseOffset == ConfirmedEnd, "INV-33");
        Phase = WriterPhase.Open;
        Segment = segment;
        BaseOffset = baseOffset;
    }

    /// <summary>Decides about a batch; an accepted one gets its offsets in the same step (W1).</summary>
    /// <returns>
    /// Accepted and pending duplicates wait in the queue; everything else is answered by the shell at once.
    /// </returns>
    // hot path: no allocation per entry
    public AppendDecision Admit(in BatchFacts batch, TTicket ticket)
    {
        Invariant.Check(Phase == WriterPhase.Open, "W5");
        Invariant.Check(batch.Count > 0, "W1");
        var decision = _guard.Check(batch, NextOffset, ConfirmedEnd);
        if (decision.Kind == AppendDecisionKind.Accepted)
        {
            _guard.Apply(batch, NextOffset);
            NextOffset += batch.Count;
            _inFlight.Enqueue(new InFlightBatch<TTicket>(
                decision.FirstOffset, batch.Count, ticket, IsDuplicate: false, batch.FirstStamp,
                batch.SetFencingToken));
        }
        else if (decision is { Kind: AppendDecisionKind.Duplicate, IsPending: true })
        {
            _inFlight.Enqueue(new InFlightBatch<TTicket>(
                decision.FirstOffset, batch.Count, ticket, IsDuplicate: true, null, null));
        }

        return decision;
    }

    /// <summary>Takes everything assigned since the last frame into one frame.</summary>
    /// <returns>Number and offset of its first entry and how many there are; none if nothing is assigned.</returns>
    public FrameRange TakeFrame()
    {
        Invariant.Check(Phase == WriterPhase.Open, "W5");
        var range = new FrameRange(ToEntry(FramedEnd), FramedEnd, (int)(NextOffset - FramedEnd));
        FramedEnd = NextOffset;
        return range;
    }

    /// <summary>
    /// The sink confirmed all entries of the open segment up to this one (W4). Ignored once frozen or dead.
    /// </summary>
    /// <returns>Whether the confirmed end rose.</returns>
    public bool Confirm(EntryId lac)
    {
        if (Phase != WriterPhase.Open && !(Mutation.Is(KnownMistake.LateAcknowledgements) && Phase == WriterPhase.Frozen))
            return false;
        var end = BaseOffset + (lac.Value + 1);
        Invariant.Check(end <= FramedEnd, "INV-9");
        if (end <= ConfirmedEnd)
            return false;
        ConfirmedEnd = end;
        return true;
    }

    /// <summary>Takes the next batch that is confirmed, in order of assignment (W5, INV-5).</summary>
    public bool TryTakeCompleted(out InFlightBatch<TTicket> batch)
    {
        if (Phase != WriterPhase.Dead && _inFlight.TryPeek(out batch) && batch.End <= ConfirmedEnd)
        {
            _inFlight.Dequeue();
            if (!batch.IsDuplicate)
                ConfirmedState.Apply(batch.FirstStamp, batch.SetFencingToken, batch.Count, batch.FirstOffset);
            return true;
        }

        batch = default;
        return false;
    }

    /// <summary>Takes the next batch of a dead session: the outcome of each is indeterminate (W7).</summary>
    public bool TryTakeFailed(out InFlightBatch<TTicket> batch)
    {
        Invariant.Check(Phase == WriterPhase.Dead, "W7");
        return _inFlight.TryDequeue(out batch);
    }

    /// <summary>The oldest batch in flight, for its deadline.</summary>
    public bool TryPeekOldest(out InFlightBatch<TTicket> batch) => _inFlight.TryPeek(out batch);

    /// <summary>Chooses the end of the open segment; from here on late acks are ignored (W10).</summary>
    /// <returns>The last entry to write to metadata; it covers every batch that was answered Ok (INV-16).</returns>
    public EntryId Freeze()
    {
        Invariant.Check(Phase == WriterPhase.Open, "W10");
        Invariant.Check(FramedEnd == NextOffset, "W1");
        Invariant.Check(!_inFlight.TryPeek(out var oldest) || oldest.End > ConfirmedEnd, "INV-37");
        Phase = WriterPhase.Frozen;
        return ConfirmedEntry;
    }

    /// <summary>The frozen segment is sealed and no next one is open. Nothing may be in flight.</summary>
    public void GoIdle()
    {
        Invariant.Check(Phase == WriterPhase.Frozen && IsQuiet, "W10");
        Phase = WriterPhase.Idle;
        BaseOffset = NextOffset;
    }

    /// <summary>Ends the session; called before any caller is told (W5).</summary>
    public void Die() => Phase = WriterPhase.Dead;

    private EntryId ToEntry(Offset offset) => new(offset - BaseOffset);
}
