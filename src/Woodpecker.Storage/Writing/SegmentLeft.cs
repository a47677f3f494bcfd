using Woodpecker.Recovery;

namespace Woodpecker.Storage.Writing;

/// <summary>What one member says, or why it says nothing.</summary>
/// <param name="Member">The store that the ensemble names.</param>
/// <param name="Reply">Its reply to the fence; null if it is unknown.</param>
/// <param name="Failure">Why there is no reply; empty if there is one.</param>
public readonly record struct MemberLeft(ReplicaId Member, FenceReply? Reply, string Failure)
{
    /// <summary>One sentence for people.</summary>
    public override string ToString() => Reply is { } reply
        ? $"{Member.NodeId} holds {reply.DurableEntry.Value + 1} entries ({reply.Health}) and knows of "
            + $"{reply.ConfirmedEntry.Value + 1} confirmed ones"
        : $"{Member.NodeId}: {Failure}";
}

/// <summary>What is left of a segment that the rules of takeover cannot decide (11.6).</summary>
/// <param name="IsDecidable">Whether they can after all: then nothing needs to be given up.</param>
/// <param name="End">The maximum over what is left.</param>
/// <param name="Highest">The last entry that any member holds or knows to be confirmed.</param>
/// <param name="Members">One row per member of the ensemble.</param>
public sealed record SegmentLeft(
    bool IsDecidable, RecoveryEnd End, EntryId Highest, IReadOnlyList<MemberLeft> Members);
