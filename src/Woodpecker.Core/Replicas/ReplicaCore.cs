using Woodpecker.Recovery;

namespace Woodpecker.Replicas;

/// <summary>
/// Decisions of one replica shard: whom it obeys, what it accepts, what it may say it holds. Accepting changes the state at
/// once, so that the order of decisions is the order of journal records; answers wait for durability in the shell.
/// </summary>
/// <remarks>
/// Threads: one. A failed journal stops the process, so nothing accepted is ever taken back (J5).
/// Rules:   R2 to R8, R10, R11, R13; INV-2, 10, 11, 12, 13.
/// </remarks>
public sealed class ReplicaCore
{
    private readonly SortedDictionary<SegmentKey, SegmentCopy> _copies = [];

    /// <summary>Starts empty; <see cref="Promises"/> and <see cref="Restore"/> fill it at boot.</summary>
    public ReplicaCore(ReplicaId self) => Self = self;

    /// <summary>This store with its present generation.</summary>
    public ReplicaId Self { get; private set; }

    /// <summary>The promises.</summary>
    public PromiseTable Promises { get; } = new();

    /// <summary>All copies, by log and segment.</summary>
    public IEnumerable<SegmentCopy> Copies => _copies.Values;

    /// <summary>The copy of a segment; null if its header is not held.</summary>
    public SegmentCopy? Find(SegmentKey key) => _copies.GetValueOrDefault(key);

    /// <summary>Boot: a copy found by the journal scan, everything in it durable. Frames follow through <see cref="RestoreFrame"/>.</summary>
    public SegmentCopy Restore(in SegmentOpenFacts header)
    {
        var copy = new SegmentCopy(header);
        _copies[header.Key] = copy;
        return copy;
    }

    /// <summary>
    /// Boot: the next frame of a copy. A frame that does not continue the prefix marks the copy as damaged (R11). One that
    /// does is kept in a damaged copy too: a recoverer brought it behind the gap and it was acknowledged (R4, INV-10).
    /// </summary>
    /// <returns>Whether it extended the prefix; a repetition of held entries does not and is harmless.</returns>
    public bool RestoreFrame(in FrameFacts frame)
    {
        if (Find(frame.Key) is not { } copy)
            return false;
        copy.ConfirmedEntry = EntryId.Max(copy.ConfirmedEntry, frame.ConfirmedEntry);
        if (frame.LastEntry <= copy.AcceptedEntry)
            return false;
        if (frame.FirstEntry != copy.AcceptedEntry + 1 || frame.ChainBefore != copy.AcceptedChain)
        {
            copy.IsDamaged = true;
            return false;
        }

        copy.Accept(frame.LastEntry, frame.ChainAfter);
        copy.DurableEntry = frame.LastEntry;
        return true;
    }

    /// <summary>Boot: what a checkpoint says about a copy beyond its frames, after those were restored.</summary>
    public void RestoreState(SegmentKey key, in CopyState state)
    {
        if (Find(key) is not { } copy)
            return;
        copy.ConfirmedEntry = EntryId.Max(copy.ConfirmedEntry, state.ConfirmedEntry);
        copy.IsPoisoned |= state.IsPoisoned;
        copy.IsDamaged |= state.IsDamaged || copy.AcceptedEntry < state.DurableEntry;
        // Indexes written before the damage was met still name what lies behind it.
        if (state.IsDamaged)
            copy.CutAbove(state.DurableEntry);
        if (state.SealedEntry is not { } last)
            return;
        copy.SealedEntry = last;
        copy.SealedChain = state.SealedChain;
        copy.CutAbove(last);
    }

    /// <summary>An unreadable record was met: older segments may miss what was acknowledged (R10). The superblock says so already.</summary>
    public void RaiseGeneration(uint generation)
    {
        Invariant.Check(generation >= Self.Generation, "R10: generations only rise");
        Self = Self with { Generation = generation };
    }

    /// <summary>Boot or scrub: entries of the copy from <paramref name="from"/> on are unreadable.</summary>
    public void MarkDamaged(SegmentKey key, EntryId from)
    {
        if (Find(key) is not { } copy)
            return;
        copy.IsDamaged = true;
        if (from <= copy.DurableEntry)
            copy.CutAbove(from + -1);
    }

    /// <summary>Boot or scrub: the header's record is unreadable. Frames stay readable, but the copy is not whole (R11).</summary>
    public void MarkHeaderLost(SegmentKey key)
    {
        if (Find(key) is { } copy)
            (copy.IsDamaged, copy.IsHeaderLost) = (true, true);
    }

    /// <summary>Boot: a later record holds the header again.</summary>
    public void RestoreHeader(SegmentKey key)
    {
        if (Find(key) is { } copy)
            copy.IsHeaderLost = false;
    }

    /// <summary>SegmentOpen: acts as "entry -1".</summary>
    /// <param name="open">The message.</param>
    /// <param name="verified">Highest epoch that metadata is known to have given out (R2).</param>
    public ReplicaDecision OnSegmentOpen(in SegmentOpenFacts open, LogEpoch verified = default)
    {
        if (CheckEpoch(open.Key.Log, open.Epoch, verified) is { } answer)
            return answer;
        if (open.NamedGeneration != Self.Generation)
            return ReplicaDecision.Refuse(ReplicaRefusal.OldGeneration()); // R10
        if (Find(open.Key) is { } copy)
        {
            if (copy.Epoch != open.Epoch || copy.BaseOffset != open.BaseOffset || copy.HeaderChecksum != open.HeaderChecksum)
                return Poison(copy, "another header of the segment is held");
            return copy.SealedEntry is null
                ? ReplicaDecision.Duplicate(Promises.Raise(open.Key.Log, open.Epoch))
                : ReplicaDecision.Refuse(ReplicaRefusal.Fenced(Promises[open.Key.Log], "the segment is sealed"));
        }

        var needsPromise = Promises.Raise(open.Key.Log, open.Epoch);
        _copies[open.Key] = new SegmentCopy(open);
        return ReplicaDecision.Journal(needsPromise);
    }

    /// <summary>Append of the segment's writer (R3).</summary>
    // hot path: no allocation per entry
    public ReplicaDecision OnAppend(in FrameFacts frame, LogEpoch verified = default)
    {
        if (CheckEpoch(frame.Key.Log, frame.Epoch, verified) is { } answer)
            return answer;
        if (Find(frame.Key) is not { } copy)
            return ReplicaDecision.Refuse(ReplicaRefusal.HeaderMissing());
        if (copy.NamedGeneration != Self.Generation)
            return ReplicaDecision.Refuse(ReplicaRefusal.OldGeneration()); // R10, INV-12

        // Only a decision that journals something may raise the promise: a raised one without a record would make the
        // next fence of this epoch look durable already (R5).
        var decision = Accept(copy, frame, needsPromise: frame.Epoch > Promises[frame.Key.Log]);
        if (decision.Kind != ReplicaDecisionKind.Refuse)
            Promises.Raise(frame.Key.Log, frame.Epoch);
        return decision;
    }

    /// <summary>RecoveryAppend: only of the very recoverer whose epoch is promised (R6). The header must be held or come first.</summary>
    /// <param name="recoveryEpoch">Epoch of the recoverer.</param>
    /// <param name="frame">The frame, with the segment's writing epoch.</param>
    public ReplicaDecision OnRecoveryAppend(LogEpoch recoveryEpoch, in FrameFacts frame)
    {
        var promised = Promises[frame.Key.Log];
        // A log never seen has promise 0: epoch 0 would pass for the promised recoverer.
        if (recoveryEpoch == default)
            return ReplicaDecision.Refuse(NoEpoch());
        if (promised != recoveryEpoch && !Mutation.Is(KnownMistake.StaleRecoveryTaken))
            return ReplicaDecision.Refuse(ReplicaRefusal.Fenced(promised, "not the promised recoverer"));
        return Find(frame.Key) is { } copy
            ? Accept(copy, frame, needsPromise: false)
            : ReplicaDecision.Refuse(ReplicaRefusal.HeaderMissing());
    }

    /// <summary>The header that a recoverer brings to a member that does not hold it (T6). Served for older generations too (R10).</summary>
    public ReplicaDecision OnRecoveryHeader(LogEpoch recoveryEpoch, in SegmentOpenFacts open)
    {
        var promised = Promises[open.Key.Log];
        if (recoveryEpoch == default)
            return ReplicaDecision.Refuse(NoEpoch());
        if (promised != recoveryEpoch && !Mutation.Is(KnownMistake.StaleRecoveryTaken))
            return ReplicaDecision.Refuse(ReplicaRefusal.Fenced(promised, "not the promised recoverer"));
        if (Find(open.Key) is { } copy)
        {
            if (copy.HeaderChecksum != open.HeaderChecksum)
                return Poison(copy, "another header of the segment is held");
            if (!copy.IsHeaderLost)
                return ReplicaDecision.Duplicate(needsPromise: false);
            copy.IsHeaderLost = false;
            return ReplicaDecision.Journal(needsPromise: false);
        }

        _copies[open.Key] = new SegmentCopy(open);
        return ReplicaDecision.Journal(needsPromise: false);
    }

    /// <summary>
    /// Fence: from this call on every smaller epoch is refused. The shell queues the promise record behind everything queued
    /// before and answers with <see cref="MakeFenceReply"/> only when it is durable (R5).
    /// </summary>
    public ReplicaDecision OnFence(SegmentKey key, LogEpoch epoch, LogEpoch verified = default)
    {
        if (CheckEpoch(key.Log, epoch, verified) is { } answer)
            return answer;
        if (Mutation.Is(KnownMistake.UnfencedReply) || (Mutation.Is(KnownMistake.UnknownSegmentUnfenced) && Find(key) is null))
            return ReplicaDecision.Duplicate(needsPromise: false);
        return Promises.Raise(key.Log, epoch)
            ? ReplicaDecision.Journal(needsPromise: true)
            : ReplicaDecision.Duplicate(needsPromise: false);
    }

    /// <summary>The state after the promise, and with it everything queued before, became durable.</summary>
    /// <param name="key">The segment.</param>
    /// <param name="namedGeneration">The generation of this store that the recoverer read in the ensemble.</param>
    /// <param name="startChain">chain(-1) for a segment whose header is not held.</param>
    public FenceReply MakeFenceReply(SegmentKey key, uint namedGeneration, ulong startChain)
    {
        if (Find(key) is not { } copy)
        {
            return new FenceReply(
                Self, EntryId.None, startChain, EntryId.None, HasHeader: false, HealthOf(namedGeneration, copy: null));
        }

        var found = copy.TryGetChain(copy.DurableEntry, out var chain);
        Invariant.Check(found, "R5: durability moves by whole frames");
        return new FenceReply(
            Self, copy.DurableEntry, chain, copy.ConfirmedEntry, HasHeader: true, HealthOf(namedGeneration, copy));
    }

    /// <summary>Seal: fixes the end here; entries above it become unreadable (R7).</summary>
    /// <param name="key">The segment.</param>
    /// <param name="epoch">The sealer's epoch; null for a seal read from metadata, which needs no promise.</param>
    /// <param name="last">The sealed end.</param>
    /// <param name="chain">Chain at it.</param>
    /// <param name="verified">Highest epoch that metadata is known to have given out (R2).</param>
    public ReplicaDecision OnSeal(SegmentKey key, LogEpoch? epoch, EntryId last, ulong chain, LogEpoch verified = default)
    {
        if (epoch is { } sealer && CheckEpoch(key.Log, sealer, verified) is { } answer)
            return answer;
        if (Find(key) is not { } copy)
            return ReplicaDecision.Refuse(ReplicaRefusal.HeaderMissing());
        var needsPromise = epoch > Promises[key.Log];
        if (copy.SealedEntry is { } sealedEntry)
        {
            return sealedEntry == last && copy.SealedChain == chain
                ? Promised(ReplicaDecision.Duplicate(needsPromise), key.Log, epoch)
                : Poison(copy, "the segment is sealed at another end"); // INV-15
        }

        if (last <= copy.AcceptedEntry && !(copy.TryGetChain(last, out var held) && held == chain))
            return Poison(copy, "the chain at the sealed end differs from what is held");
        copy.SealedEntry = last;
        copy.SealedChain = chain;
        copy.CutAbove(last);
        return Promised(ReplicaDecision.Journal(needsPromise), key.Log, epoch);
    }

    /// <summary>An explicit or carried LAC: a hint that only rises (R8).</summary>
    /// <returns>Whether the visible end may have risen.</returns>
    public bool OnConfirmed(SegmentKey key, LogEpoch epoch, EntryId lac)
    {
        if (Find(key) is not { SealedEntry: null } copy || copy.Epoch != epoch || lac <= copy.ConfirmedEntry)
            return false;
        copy.ConfirmedEntry = lac;
        return true;
    }

    /// <summary>The journal made everything accepted up to this entry durable.</summary>
    public void OnDurable(SegmentKey key, EntryId entry)
    {
        // A seal may have cut the copy, or a drop removed it, while the frame was on its way to the disk.
        if (Find(key) is { } copy && entry > copy.DurableEntry)
            copy.DurableEntry = EntryId.Min(entry, copy.AcceptedEntry);
    }

    /// <summary>The copy is no longer needed, on positive evidence that the shell holds (R12).</summary>
    /// <returns>Whether it was held: a drop record must be journaled.</returns>
    public bool Drop(SegmentKey key) => _copies.Remove(key);

    private ReplicaDecision Promised(ReplicaDecision decision, LogId log, LogEpoch? epoch)
    {
        if (epoch is { } promised)
            Promises.Raise(log, promised);
        return decision;
    }

    private static ReplicaRefusal NoEpoch() =>
        ReplicaRefusal.Of(ReplicaRefusalKind.Invalid, "epoch 0 is no writer's and no recoverer's");

    private ReplicaDecision? CheckEpoch(LogId log, LogEpoch epoch, LogEpoch verified)
    {
        var promised = Promises[log];
        if (epoch == default)
            return ReplicaDecision.Refuse(NoEpoch()); // epochs begin at 1
        if (epoch < promised)
            return ReplicaDecision.Refuse(ReplicaRefusal.Fenced(promised)); // R2
        return Promises.NeedsVerification(log, epoch, verified) ? ReplicaDecision.VerifyEpoch() : null;
    }

    private static ReplicaDecision Accept(SegmentCopy copy, in FrameFacts frame, bool needsPromise)
    {
        if (copy.IsPoisoned)
            return ReplicaDecision.Refuse(ReplicaRefusal.Diverged("the segment is poisoned"));
        if (copy.Epoch != frame.Epoch)
            return Poison(copy, "the segment is written under another epoch"); // R3
        if (copy.SealedEntry is { } sealedEntry && frame.LastEntry > sealedEntry)
            return ReplicaDecision.Refuse(ReplicaRefusal.Fenced(frame.Epoch, "the segment is sealed"));
        if (frame.FirstOffset != copy.BaseOffset + frame.FirstEntry.Value)
            return Poison(copy, "the frame's offset is not base + entry"); // INV-33
        if (frame.FirstEntry > copy.AcceptedEntry + 1)
            return ReplicaDecision.Refuse(ReplicaRefusal.Gap(copy.AcceptedEntry + 1)); // INV-13
        if (frame.FirstEntry <= copy.AcceptedEntry)
            return CompareOverlap(copy, frame, needsPromise);
        if (frame.ChainBefore != copy.AcceptedChain)
            return Poison(copy, "the frame does not continue the chain");
        copy.Accept(frame.LastEntry, frame.ChainAfter);
        copy.ConfirmedEntry = EntryId.Max(copy.ConfirmedEntry, EntryId.Min(frame.ConfirmedEntry, copy.AcceptedEntry));
        return ReplicaDecision.Journal(needsPromise);
    }

    // Frames are taken whole and copied verbatim, so held frames end where repeated ones end; equal chains mean equal entries.
    private static ReplicaDecision CompareOverlap(SegmentCopy copy, in FrameFacts frame, bool needsPromise)
    {
        var isEqual = copy.TryGetChain(frame.FirstEntry + -1, out var before) && before == frame.ChainBefore
            && copy.TryGetChain(frame.LastEntry, out var after) && after == frame.ChainAfter;
        return isEqual
            ? ReplicaDecision.Duplicate(needsPromise)
            : Poison(copy, "entries that are held differ from the ones sent"); // INV-2
    }

    private static ReplicaDecision Poison(SegmentCopy copy, string why)
    {
        copy.IsPoisoned = true;
        return ReplicaDecision.Refuse(ReplicaRefusal.Diverged(why));
    }

    // R11. The header and the recoverer name the same generation; if they ever differ, the copy is not Clean.
    private MemberHealth HealthOf(uint namedGeneration, SegmentCopy? copy)
    {
        if (copy is { IsDamaged: true } or { IsPoisoned: true })
            return MemberHealth.Damaged;
        var isCurrent = namedGeneration == Self.Generation && (copy is null || copy.NamedGeneration == Self.Generation);
        return isCurrent ? MemberHealth.Clean : MemberHealth.Ambiguous;
    }
}
