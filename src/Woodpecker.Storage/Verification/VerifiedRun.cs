using Woodpecker.Format;
using Woodpecker.Format.Entries;

namespace Woodpecker.Storage.Verification;

/// <summary>Consecutive entries of one segment, each verified, with the chain at both ends.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="FirstEntry">Number of the first entry.</param>
/// <param name="FirstOffset">Its offset.</param>
/// <param name="Count">How many.</param>
/// <param name="ChainBefore">Chain before the first.</param>
/// <param name="ChainAfter">Chain after the last, folded from the entries.</param>
/// <param name="Tally">Of the entries that are not truncated.</param>
internal readonly record struct VerifiedRun(
    SegmentId Segment, EntryId FirstEntry, Offset FirstOffset, int Count, ulong ChainBefore, ulong ChainAfter,
    EntryTally Tally)
{
    /// <summary>Reads every entry of a body once more and folds them.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="body">Producer table and entries.</param>
    /// <param name="start">What the header says about them.</param>
    /// <param name="chainAfter">What the header says about their end.</param>
    /// <param name="firstAvailable">Entries below are verified and not counted.</param>
    /// <param name="run">The run.</param>
    public static ReadStatus Read(
        SegmentId segment, ReadOnlySpan<byte> body, in BodyStart start, ulong chainAfter, Offset firstAvailable,
        out VerifiedRun run)
    {
        run = default;
        var tally = default(EntryTally);
        var entries = new EntryBodyReader(body, start);
        while (entries.MoveNext())
        {
            if (entries.Current.Offset >= firstAvailable)
                tally = tally.With(entries.Current);
        }

        if (entries.Status.Kind != ReadStatusKind.CleanEnd)
            return entries.Status;
        if (entries.Chain != chainAfter)
            return ReadStatus.Corrupt("chain", 0);
        run = new VerifiedRun(
            segment, start.FirstEntry, start.FirstOffset, start.Count, start.ChainBefore, entries.Chain, tally);
        return ReadStatus.Ok;
    }
}
