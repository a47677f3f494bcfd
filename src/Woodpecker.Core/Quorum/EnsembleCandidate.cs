namespace Woodpecker.Quorum;

/// <summary>A node that could become a member of the next ensemble.</summary>
/// <param name="Replica">Its present identity.</param>
/// <param name="Zone">Failure zone; members of one ensemble are spread over zones as far as possible.</param>
/// <param name="BacklogBytes">Sealed bytes it has not yet seen uploaded; less is better.</param>
/// <param name="IsReachable">Whether it answered Hello on a live stream.</param>
public readonly record struct EnsembleCandidate(ReplicaId Replica, string Zone, long BacklogBytes, bool IsReachable);
