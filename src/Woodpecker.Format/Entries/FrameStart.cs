namespace Woodpecker.Format.Entries;

/// <summary>Where a frame begins, as the writer assigned it.</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Epoch">The segment's writing epoch.</param>
/// <param name="FirstEntry">Number of the first entry.</param>
/// <param name="FirstOffset">Offset of the first entry.</param>
/// <param name="Lac">LAC now.</param>
/// <param name="ChainBefore">Chain over all earlier entries of the segment.</param>
public readonly record struct FrameStart(
    LogId Log, SegmentId Segment, LogEpoch Epoch, EntryId FirstEntry, Offset FirstOffset, EntryId Lac, ulong ChainBefore);

/// <summary>What <see cref="FrameWriter.Write"/> made.</summary>
/// <param name="Length">Bytes written, header included.</param>
/// <param name="ChainAfter">Chain over all entries up to the frame's last.</param>
public readonly record struct FrameWritten(int Length, ulong ChainAfter);
