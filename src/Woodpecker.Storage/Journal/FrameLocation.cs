namespace Woodpecker.Storage.Journal;

/// <summary>Where a frame, or the segment's header, lies.</summary>
/// <param name="FirstEntry">Number of the first entry; none for the header.</param>
/// <param name="Count">Entries; 0 for the header.</param>
/// <param name="FileSequence">The file.</param>
/// <param name="Position">Where it begins in the file, in bytes.</param>
/// <param name="Length">Bytes of the frame or header.</param>
internal readonly record struct FrameLocation(EntryId FirstEntry, int Count, ulong FileSequence, long Position, int Length)
{
    /// <summary>Number of the last entry.</summary>
    public EntryId LastEntry => FirstEntry + (Count - 1);
}
