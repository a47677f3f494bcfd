namespace Woodpecker.Rollback;

/// <summary>What a store holds of one segment, as far as metadata must know of it.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="SealedEntry">The sealed end; null if no seal was heard of.</param>
/// <param name="SealedChain">Chain at that end.</param>
public readonly record struct HeldCopy(SegmentId Segment, LogEpoch Epoch, EntryId? SealedEntry, ulong SealedChain);

/// <summary>What a store remembers of one log.</summary>
/// <param name="Log">The log.</param>
/// <param name="Promised">The epoch promised to its writers.</param>
/// <param name="Copies">Its copies, without contradicted ones (R13).</param>
public sealed record HeldLog(LogId Log, LogEpoch Promised, IReadOnlyList<HeldCopy> Copies);
