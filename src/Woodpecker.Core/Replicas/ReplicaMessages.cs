namespace Woodpecker.Replicas;

/// <summary>What a SegmentOpen says, after its checksum was verified.</summary>
/// <param name="Key">The segment.</param>
/// <param name="Epoch">Its writing epoch.</param>
/// <param name="BaseOffset">Offset of its first entry.</param>
/// <param name="StartChain">chain(-1) of the segment.</param>
/// <param name="NamedGeneration">The generation of this store that the ensemble names.</param>
/// <param name="HeaderChecksum">Checksum of the header's bytes: tells a repetition from a contradiction.</param>
public readonly record struct SegmentOpenFacts(
    SegmentKey Key, LogEpoch Epoch, Offset BaseOffset, ulong StartChain, uint NamedGeneration, uint HeaderChecksum);

/// <summary>What a frame says, after every checksum in it was verified.</summary>
/// <param name="Key">The segment.</param>
/// <param name="Epoch">The segment's writing epoch.</param>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="Count">Entries in it, at least one.</param>
/// <param name="FirstOffset">Offset of its first entry.</param>
/// <param name="ChainBefore">Chain hash before its first entry.</param>
/// <param name="ChainAfter">Chain hash at its last entry.</param>
/// <param name="ConfirmedEntry">The LAC it carries.</param>
public readonly record struct FrameFacts(
    SegmentKey Key,
    LogEpoch Epoch,
    EntryId FirstEntry,
    int Count,
    Offset FirstOffset,
    ulong ChainBefore,
    ulong ChainAfter,
    EntryId ConfirmedEntry)
{
    /// <summary>Its last entry.</summary>
    public EntryId LastEntry => FirstEntry + (Count - 1);
}
