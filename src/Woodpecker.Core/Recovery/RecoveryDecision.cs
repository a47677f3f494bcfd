namespace Woodpecker.Recovery;

/// <summary>What a recoverer does next.</summary>
public enum RecoveryStep
{
    /// <summary>Too little is known: keep fencing.</summary>
    Wait,

    /// <summary>Enough is known, but replies that come within the grace time improve it (T4, case A).</summary>
    WaitGrace,

    /// <summary>The end is decided.</summary>
    Decided,

    /// <summary>The replies contradict each other; an operator must look (T5).</summary>
    Inconsistent,
}

/// <summary>The decided end of a segment.</summary>
/// <param name="LastEntry">M: the last entry that stays.</param>
/// <param name="Chain">Chain hash at M, as its holder reported it.</param>
/// <param name="IsAmbiguous">Whether a reply that was not Clean was needed (case B).</param>
public readonly record struct RecoveryEnd(EntryId LastEntry, ulong Chain, bool IsAmbiguous);

/// <summary>One copy to make so that enough members hold everything (T6).</summary>
/// <param name="Source">Index of a member that holds the entries.</param>
/// <param name="Target">Index of the member that lacks them.</param>
/// <param name="FirstEntry">First entry to copy.</param>
/// <param name="LastEntry">
/// Last entry to copy; before <paramref name="FirstEntry"/> if only the header is missing.
/// </param>
public readonly record struct RecoveryCopy(int Source, int Target, EntryId FirstEntry, EntryId LastEntry);
