namespace Woodpecker.Recovery;

/// <summary>What a member knows about its own copy of a segment (R11).</summary>
public enum MemberHealth
{
    /// <summary>
    /// The store's generation is the one the ensemble names and no damage is known: nothing it acknowledged is missing.
    /// </summary>
    Clean = 1,

    /// <summary>
    /// The store met an unreadable record since the segment was opened: an acknowledged entry may be missing.
    /// </summary>
    Ambiguous = 2,

    /// <summary>A gap inside the entries it once held is known.</summary>
    Damaged = 3,
}
