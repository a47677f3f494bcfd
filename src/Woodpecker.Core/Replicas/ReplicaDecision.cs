namespace Woodpecker.Replicas;

/// <summary>What the shell does with a message.</summary>
public enum ReplicaDecisionKind
{
    /// <summary>Answer with the refusal; nothing changed but what the refusal says.</summary>
    Refuse,

    /// <summary>Journal it (after a promise record, if asked); answer when durable.</summary>
    Journal,

    /// <summary>All of it is held already: answer when what was queued before is durable.</summary>
    Duplicate,

    /// <summary>Read the epoch (or the tombstone) from metadata and ask again with what it says (R2).</summary>
    VerifyEpoch,
}

/// <summary>A decision about one message.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="NeedsPromise">Whether a promise record of the message's epoch must be queued before its own record (R2).</param>
/// <param name="Refusal">The answer, for Refuse.</param>
public readonly record struct ReplicaDecision(ReplicaDecisionKind Kind, bool NeedsPromise, ReplicaRefusal Refusal)
{
    /// <summary>Journal it.</summary>
    public static ReplicaDecision Journal(bool needsPromise) => new(ReplicaDecisionKind.Journal, needsPromise, default);

    /// <summary>It is held already.</summary>
    public static ReplicaDecision Duplicate(bool needsPromise) =>
        new(ReplicaDecisionKind.Duplicate, needsPromise, default);

    /// <summary>Ask metadata first.</summary>
    public static ReplicaDecision VerifyEpoch() => new(ReplicaDecisionKind.VerifyEpoch, false, default);

    /// <summary>Refuse it.</summary>
    public static ReplicaDecision Refuse(ReplicaRefusal refusal) => new(ReplicaDecisionKind.Refuse, false, refusal);
}
