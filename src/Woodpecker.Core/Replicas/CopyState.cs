namespace Woodpecker.Replicas;

/// <summary>What a checkpoint says about a copy beyond its frames.</summary>
/// <param name="DurableEntry">End of the prefix that was held.</param>
/// <param name="ConfirmedEntry">Highest LAC heard of.</param>
/// <param name="SealedEntry">The sealed end; null if open.</param>
/// <param name="SealedChain">Chain at the sealed end.</param>
/// <param name="IsPoisoned">Whether a contradiction was met.</param>
/// <param name="IsDamaged">Whether entries are known to be unreadable.</param>
public readonly record struct CopyState(
    EntryId DurableEntry, EntryId ConfirmedEntry, EntryId? SealedEntry, ulong SealedChain, bool IsPoisoned, bool IsDamaged);
