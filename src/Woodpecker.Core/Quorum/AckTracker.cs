namespace Woodpecker.Quorum;

/// <summary>
/// LAC of one segment: the Qa-th highest durable entry over the distinct members of its ensemble (W4, INV-9, INV-20).
/// Lagging and refused members keep the value they acknowledged. Not thread-safe; its owner guards it.
/// </summary>
public sealed class AckTracker
{
    private readonly QuorumSpec _quorum;
    private readonly ReplicaId[] _members;
    private readonly long[] _durable;

    /// <summary>Starts with nothing acknowledged.</summary>
    /// <param name="quorum">Its member count is the ensemble's.</param>
    /// <param name="members">Distinct stores: two ids of one store would count one disk twice.</param>
    public AckTracker(QuorumSpec quorum, ReadOnlySpan<ReplicaId> members)
    {
        Invariant.Check(members.Length == quorum.Members, "W12");
        for (var i = 0; i < members.Length; i++)
        {
            for (var j = 0; j < i; j++)
                Invariant.Check(members[i].NodeId != members[j].NodeId, "INV-20");
        }

        _quorum = quorum;
        _members = members.ToArray();
        _durable = new long[members.Length];
        Array.Fill(_durable, EntryId.None.Value);
    }

    /// <summary>The ensemble.</summary>
    public ReadOnlySpan<ReplicaId> Members => _members;

    /// <summary>Highest entry that, with all earlier ones, is durable at Qa members. Never goes back.</summary>
    public EntryId ConfirmedEntry { get; private set; } = EntryId.None;

    /// <summary>What the member acknowledged.</summary>
    public EntryId DurableAt(int member) => new(_durable[member]);

    /// <summary>Takes a cumulative acknowledgement.</summary>
    /// <param name="member">Index in the ensemble.</param>
    /// <param name="sender">Who sent it; an ack of another store or generation counts nothing (R14).</param>
    /// <param name="durableEntry">Everything up to this entry is durable there; older acks are ignored.</param>
    /// <returns>Whether <see cref="ConfirmedEntry"/> rose.</returns>
    public bool OnAck(int member, ReplicaId sender, EntryId durableEntry)
    {
        if ((_members[member] != sender && !Mutation.Is(KnownMistake.IncarnationIgnored)) || durableEntry.Value <= _durable[member])
            return false;
        _durable[member] = durableEntry.Value;
        var confirmed = ComputeConfirmed();
        if (confirmed <= ConfirmedEntry.Value)
            return false;
        ConfirmedEntry = new EntryId(confirmed);
        return true;
    }

    // hot path: no allocation per entry. Ensembles are tiny, so counting beats sorting.
    private long ComputeConfirmed()
    {
        var best = EntryId.None.Value;
        foreach (var candidate in _durable)
        {
            if (candidate <= best)
                continue;
            var holders = 0;
            foreach (var durable in _durable)
                holders += durable >= candidate ? 1 : 0;
            if (holders >= (Mutation.Is(KnownMistake.SlowestAwaited) ? _durable.Length : _quorum.AckQuorum))
                best = candidate;
        }

        return best;
    }
}
