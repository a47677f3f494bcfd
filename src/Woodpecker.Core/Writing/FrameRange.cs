namespace Woodpecker.Writing;

/// <summary>Entries that make one frame.</summary>
/// <param name="FirstEntry">Number of the first one in its segment.</param>
/// <param name="FirstOffset">Offset of the first one.</param>
/// <param name="Count">How many; 0 for "nothing to frame".</param>
public readonly record struct FrameRange(EntryId FirstEntry, Offset FirstOffset, int Count)
{
    /// <summary>Number of the last entry.</summary>
    public EntryId LastEntry => FirstEntry + (Count - 1);
}
