namespace Woodpecker.Format.Entries;

/// <summary>What the header of a frame or block says about the entries of its body.</summary>
/// <param name="Log">The log that entry checksums are bound to.</param>
/// <param name="FirstEntry">Number of the first entry.</param>
/// <param name="FirstOffset">Offset of the first entry.</param>
/// <param name="Count">How many entries there must be.</param>
/// <param name="BaseTimestamp">What timestamps count from.</param>
/// <param name="ChainBefore">Chain before the first entry.</param>
public readonly record struct BodyStart(
    LogId Log, EntryId FirstEntry, Offset FirstOffset, int Count, long BaseTimestamp, ulong ChainBefore);
