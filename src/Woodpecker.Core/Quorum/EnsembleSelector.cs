namespace Woodpecker.Quorum;

/// <summary>
/// Chooses the members of the next segment (W11): distinct nodes, reachable ones first, different zones, then the least
/// backlog. The order rotates so that the duty of the first member (upload) spreads.
/// </summary>
public static class EnsembleSelector
{
    /// <summary>Chooses.</summary>
    /// <param name="quorum">How many members, and how many must be reachable.</param>
    /// <param name="candidates">All known nodes, in any order.</param>
    /// <param name="rotation">A number that differs from segment to segment, such as the segment id.</param>
    /// <param name="members">The ensemble, in order of upload duty; null if none can be formed.</param>
    /// <returns>False if there are too few nodes, or fewer than Qa of the chosen ones are reachable.</returns>
    public static bool TryChoose(
        QuorumSpec quorum, ReadOnlySpan<EnsembleCandidate> candidates, ulong rotation, out ReplicaId[] members)
    {
        members = [];
        var chosen = new List<EnsembleCandidate>(quorum.Members);
        var left = new List<EnsembleCandidate>(candidates.Length);
        foreach (var candidate in candidates)
            left.Add(candidate);
        left.Sort(static (a, b) => string.CompareOrdinal(a.Replica.NodeId, b.Replica.NodeId));
        while (chosen.Count < quorum.Members)
        {
            var best = FindBest(left, chosen, rotation);
            if (best < 0)
                return false;
            chosen.Add(left[best]);
            left.RemoveAt(best);
        }

        var reachable = 0;
        foreach (var member in chosen)
            reachable += member.IsReachable ? 1 : 0;
        if (reachable < quorum.AckQuorum)
            return false;
        members = Rotate(chosen, rotation);
        return true;
    }

    private static int FindBest(List<EnsembleCandidate> left, List<EnsembleCandidate> chosen, ulong rotation)
    {
        var best = -1;
        for (var step = 0; step < left.Count; step++)
        {
            // Among equals the rotation decides where the search starts.
            var i = (int)((rotation + (ulong)step) % (ulong)left.Count);
            if (!IsChosen(chosen, left[i].Replica.NodeId) && (best < 0 || IsBetter(left[i], left[best], chosen)))
                best = i;
        }

        return best;
    }

    private static bool IsBetter(in EnsembleCandidate a, in EnsembleCandidate b, List<EnsembleCandidate> chosen)
    {
        if (a.IsReachable != b.IsReachable)
            return a.IsReachable;
        var inZone = CountInZone(chosen, a.Zone) - CountInZone(chosen, b.Zone);
        return inZone != 0 ? inZone < 0 : a.BacklogBytes < b.BacklogBytes;
    }

    private static int CountInZone(List<EnsembleCandidate> chosen, string zone)
    {
        var count = 0;
        foreach (var candidate in chosen)
            count += candidate.Zone == zone ? 1 : 0;
        return count;
    }

    private static bool IsChosen(List<EnsembleCandidate> chosen, string nodeId)
    {
        foreach (var candidate in chosen)
        {
            if (candidate.Replica.NodeId == nodeId)
                return true;
        }

        return false;
    }

    // Upload duty falls on the first member: reachable ones lead, and the lead rotates among them.
    private static ReplicaId[] Rotate(List<EnsembleCandidate> chosen, ulong rotation)
    {
        chosen.Sort(static (a, b) => a.IsReachable != b.IsReachable
            ? b.IsReachable.CompareTo(a.IsReachable)
            : string.CompareOrdinal(a.Replica.NodeId, b.Replica.NodeId));
        var reachable = 0;
        while (reachable < chosen.Count && chosen[reachable].IsReachable)
            reachable++;
        var members = new ReplicaId[chosen.Count];
        for (var i = 0; i < members.Length; i++)
        {
            var from = i < reachable ? (int)((rotation + (ulong)i) % (ulong)reachable) : i;
            members[i] = chosen[from].Replica;
        }

        return members;
    }
}
