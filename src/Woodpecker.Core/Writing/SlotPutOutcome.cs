namespace Woodpecker.Writing;

/// <summary>What a put of a slot came to, after comparing where the slot existed (B3).</summary>
public enum SlotPutOutcome
{
    /// <summary>The slot holds this writer's bytes: created now, or by an earlier try of the same put.</summary>
    Mine,

    /// <summary>The slot holds something else: a fence or another writer's data.</summary>
    Foreign,

    /// <summary>The retry budget is used up and the outcome is unknown.</summary>
    Failed,
}
