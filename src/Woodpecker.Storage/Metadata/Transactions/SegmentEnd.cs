namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>Where a segment ends, for ever (INV-15).</summary>
/// <param name="LastEntry">Its last entry; None for an empty segment.</param>
/// <param name="Chain">Chain hash at the last entry.</param>
/// <param name="LastSlot">Last slot of a MemoryBuffer segment (-1: none); null in QuorumBuffer.</param>
public readonly record struct SegmentEnd(EntryId LastEntry, ulong Chain, long? LastSlot = null);
