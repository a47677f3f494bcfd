namespace Woodpecker.Recovery;

/// <summary>
/// A member's answer to a fence, made after its promise and everything accepted before were durable (R5). It counts
/// only
/// because the same message fenced the member.
/// </summary>
/// <param name="Replica">Who answers, with its present generation.</param>
/// <param name="DurableEntry">End of its verified contiguous prefix.</param>
/// <param name="Chain">Chain hash at <see cref="DurableEntry"/>; the initial chain if there is none.</param>
/// <param name="ConfirmedEntry">Highest LAC it has heard of.</param>
/// <param name="HasHeader">Whether it holds the segment's header.</param>
/// <param name="Health">What it knows about its copy.</param>
public readonly record struct FenceReply(
    ReplicaId Replica, EntryId DurableEntry, ulong Chain, EntryId ConfirmedEntry, bool HasHeader, MemberHealth Health);
