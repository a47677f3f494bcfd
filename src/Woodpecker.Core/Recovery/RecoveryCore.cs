using Woodpecker.Quorum;

namespace Woodpecker.Recovery;

/// <summary>
/// Finds the end of a fenced segment from the members' replies and plans the copies that make it safe to seal (T3 to
/// T6).
/// Silence is unknown, never "absent"; nothing is decided from an index into a partial list.
/// </summary>
/// <remarks>
/// Threads: one. Rules: T3, T4, T5, T6, R11; INV-8, INV-16, INV-17. Proof sketch: protocol, section 11.2.
/// </remarks>
public sealed class RecoveryCore
{
    private readonly QuorumSpec _quorum;
    private readonly ReplicaId[] _members;
    private readonly FenceReply?[] _replies;

    /// <summary>Starts with no replies.</summary>
    /// <param name="quorum">Sizes of the segment's ensemble.</param>
    /// <param name="members">The ensemble.</param>
    public RecoveryCore(QuorumSpec quorum, ReadOnlySpan<ReplicaId> members)
    {
        Invariant.Check(members.Length == quorum.Members, "W12");
        _quorum = quorum;
        _members = members.ToArray();
        _replies = new FenceReply?[members.Length];
    }

    /// <summary>What to do next.</summary>
    public RecoveryStep Step => Decide(isGraceOver: false, out _);

    /// <summary>The member's reply, if it came.</summary>
    public FenceReply? ReplyOf(int member) => _replies[member];

    /// <summary>Members that replied.</summary>
    public int ReplyCount => Count(static _ => true);

    /// <summary>
    /// Takes a reply; a later one of the same member replaces the earlier (its prefix may have grown).
    /// </summary>
    /// <returns>False if the sender is not the store the ensemble names: unknown, not a reply (R1).</returns>
    public bool OnReply(int member, in FenceReply reply)
    {
        if (!_members[member].IsSameStore(reply.Replica))
            return false;
        if (Mutation.Is(KnownMistake.EmptyRepliesDropped) && reply.DurableEntry.IsNone)
            return true;
        _replies[member] = Mutation.Is(KnownMistake.AmbiguousIsClean) ? reply with { Health = MemberHealth.Clean } : reply;
        return true;
    }

    /// <summary>A member that had replied can no longer be read: back to T3 for it.</summary>
    public void Forget(int member) => _replies[member] = null;

    /// <summary>Decides what is known so far.</summary>
    /// <param name="isGraceOver">Whether the wait for late replies after case A ended.</param>
    /// <param name="end">The end, when decided.</param>
    public RecoveryStep Decide(bool isGraceOver, out RecoveryEnd end)
    {
        end = default;
        var clean = Count(static reply => reply.Health == MemberHealth.Clean);
        var all = ReplyCount == _members.Length;
        if (clean < _quorum.FenceQuorum && !all)
            return RecoveryStep.Wait;
        // Case A needs Clean replies that meet every ack set; with all replies there is nothing left to wait for.
        var caseA = clean >= _quorum.FenceQuorum;
        var highest = Highest(onlyClean: caseA);
        end = new RecoveryEnd(highest.DurableEntry, highest.Chain, IsAmbiguous: !caseA);
        if (!IsConsistent(end, caseA))
            return RecoveryStep.Inconsistent;
        return all || isGraceOver ? RecoveryStep.Decided : RecoveryStep.WaitGrace;
    }

    /// <summary>
    /// The end for a declared loss (11.6): the maximum over whatever is left, of any health, with as few replies as
    /// there are. Nothing proves that it is the whole segment.
    /// </summary>
    /// <param name="end">What is left.</param>
    /// <param name="highest">The last entry that any reply holds or knows to be confirmed.</param>
    /// <returns>False if two copies contradict each other at that end: then nobody may choose (INV-2).</returns>
    public bool TryForce(out RecoveryEnd end, out EntryId highest)
    {
        end = new RecoveryEnd(EntryId.None, 0, IsAmbiguous: true);
        highest = EntryId.None;
        if (ReplyCount == 0)
            return true;
        var best = Highest(onlyClean: false);
        end = new RecoveryEnd(best.DurableEntry, best.Chain, IsAmbiguous: true);
        foreach (var reply in _replies)
        {
            if (reply is not { } known)
                continue;
            highest = EntryId.Max(highest, EntryId.Max(known.DurableEntry, known.ConfirmedEntry));
            if (!end.LastEntry.IsNone && known.DurableEntry == end.LastEntry && known.Chain != end.Chain)
                return false;
        }

        return true;
    }

    /// <summary>
    /// Plans the copies after which Qa members hold the header and everything up to the end (T6, INV-17).
    /// </summary>
    /// <param name="end">The decided end.</param>
    /// <param name="copies">The copies, the smallest first; empty if enough members hold everything.</param>
    /// <returns>False if fewer than Qa members replied: wait for more.</returns>
    public bool TryPlanCopies(in RecoveryEnd end, out IReadOnlyList<RecoveryCopy> copies)
    {
        copies = [];
        if (Mutation.Is(KnownMistake.NoWriteBack))
            return true;
        var source = FindSource(end);
        var plan = new List<RecoveryCopy>();
        var holders = 0;
        var candidates = new List<(int Member, EntryId Durable)>();
        for (var i = 0; i < _replies.Length; i++)
        {
            if (_replies[i] is not { } reply)
                continue;
            if (Holds(reply, end))
                holders++;
            else if (reply.Health != MemberHealth.Damaged)
                candidates.Add((i, reply.DurableEntry));
        }

        // The member with the least to copy first; ties go by index, so that the plan is the same everywhere.
        candidates.Sort(static (a, b) => a.Durable != b.Durable
            ? b.Durable.CompareTo(a.Durable)
            : a.Member.CompareTo(b.Member));
        foreach (var (member, durable) in candidates)
        {
            if (holders + plan.Count >= _quorum.AckQuorum)
                break;
            plan.Add(new RecoveryCopy(source, member, durable + 1, end.LastEntry));
        }

        copies = plan;
        return holders + plan.Count >= _quorum.AckQuorum;
    }

    /// <summary>
    /// Whether nobody who replied knows the segment: it is empty and has no header anywhere needed (INV-17).
    /// </summary>
    public bool HasNoHeader => Count(static reply => reply.HasHeader) == 0;

    // An empty segment needs its header on Qa members only if any member has one.
    private bool Holds(in FenceReply reply, in RecoveryEnd end) =>
        reply.DurableEntry >= end.LastEntry && (reply.HasHeader || (end.LastEntry.IsNone && HasNoHeader));

    private int FindSource(in RecoveryEnd end)
    {
        var source = -1;
        for (var i = 0; i < _replies.Length; i++)
        {
            if (_replies[i] is { } reply && reply.HasHeader && reply.DurableEntry >= end.LastEntry
                && (source < 0
                    || (reply.Health == MemberHealth.Clean && _replies[source]!.Value.Health != MemberHealth.Clean)))
            {
                source = i;
            }
        }

        return source;
    }

    private FenceReply Highest(bool onlyClean)
    {
        if (Mutation.Is(KnownMistake.PartialIndex))
        {
            var sorted = _replies.Where(static r => r is not null).Select(static r => r!.Value).OrderBy(static r => r.DurableEntry.Value).ToList();
            return sorted[Math.Max(0, sorted.Count - _quorum.AckQuorum)];
        }

        FenceReply? best = null;
        foreach (var reply in _replies)
        {
            if (reply is { } candidate && (!onlyClean || candidate.Health == MemberHealth.Clean)
                && (best is null || (candidate.DurableEntry > best.Value.DurableEntry) != Mutation.Is(KnownMistake.MinimumEnd)))
            {
                best = candidate;
            }
        }

        return best!.Value;
    }

    // T5. Chains are compared where two prefixes end at the same entry; longer ones are compared while copying.
    private bool IsConsistent(in RecoveryEnd end, bool onlyClean)
    {
        foreach (var reply in _replies)
        {
            if (reply is not { } known)
                continue;
            if (known.ConfirmedEntry > end.LastEntry)
                return false;
            if ((!onlyClean || known.Health == MemberHealth.Clean)
                && known.DurableEntry == end.LastEntry && known.HasHeader && known.Chain != end.Chain
                    && !end.LastEntry.IsNone)
            {
                return false;
            }
        }

        return true;
    }

    private int Count(Func<FenceReply, bool> predicate)
    {
        var count = 0;
        foreach (var reply in _replies)
            count += reply is { } known && predicate(known) ? 1 : 0;
        return count;
    }
}
