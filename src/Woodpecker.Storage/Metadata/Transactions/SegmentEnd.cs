namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>Where a segment ends, for ever (INV-15).</summary>
/// <param name="LastEntry">Its last entry; None for an empty segment.</param>
/// <param name="Chain">Chain hash at the last entry.</param>
/// <param name="LastSlot">Last slot of a MemoryBuffer segment (-1: none); null in QuorumBuffer.</param>
/// <param name="MarkRevision">
/// mod_revision of the slot mark this end was read from (0: there is none); the sealing transaction compares it, so that a
/// stale read seals nothing (X1, B11). Null if the end comes from elsewhere.
/// </param>
public readonly record struct SegmentEnd(
    EntryId LastEntry, ulong Chain, long? LastSlot = null, long? MarkRevision = null);
