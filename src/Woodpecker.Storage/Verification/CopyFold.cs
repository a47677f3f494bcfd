using Woodpecker.Format;
using Woodpecker.Reading;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Verification;

/// <summary>
/// Joins the runs of one copy: offsets without gap, the chain of each segment from its identity to its sealed end.
/// </summary>
internal sealed class CopyFold(LogId log, ReadSegment segment, SegmentValue value)
{
    private SegmentId? _current;
    private EntryId _last = EntryId.None;
    private ulong _chain;

    /// <summary>Offset after the last entry taken.</summary>
    public Offset Next { get; private set; } = segment.Base;

    /// <summary>Of the entries taken.</summary>
    public EntryTally Tally { get; private set; }

    /// <summary>Chain after the last entry taken.</summary>
    public ulong Chain => _chain;

    /// <summary>Takes the next run.</summary>
    /// <returns>Null if it joins, else what is wrong.</returns>
    public string? Take(in VerifiedRun run)
    {
        if (run.FirstOffset != Next)
            return $"offset {run.FirstOffset} in place of {Next}";
        if (_current != run.Segment)
        {
            // The start of every segment in a merged key is held against the manifest by the reader of its blocks.
            var isRight = value.LastSegment is not null
                || run.ChainBefore == ChainHash.Start(log, segment.First, segment.Epoch, segment.Base);
            if (run.FirstEntry.Value != 0 || !isRight)
                return $"segment {run.Segment} does not begin with its own chain at offset {run.FirstOffset}";
            _current = run.Segment;
        }
        else if (run.FirstEntry != _last + 1 || run.ChainBefore != _chain)
        {
            return $"the chain of segment {run.Segment} breaks before entry {run.FirstEntry}, offset {run.FirstOffset}";
        }

        _last = run.FirstEntry + (run.Count - 1);
        _chain = run.ChainAfter;
        Next += run.Count;
        Tally += run.Tally;
        return null;
    }

    /// <summary>Checks the end against metadata (INV-39).</summary>
    /// <param name="end">Where the copy must end.</param>
    /// <returns>Null if it is right, else what is wrong.</returns>
    public string? Finish(Offset end)
    {
        if (Next != end)
            return $"it ends at offset {Next} in place of {end}";
        var isAtSealedEnd = segment.IsSealed && _current == (value.LastSegment ?? segment.First);
        return isAtSealedEnd && value.Chain is { } chain && chain != _chain
            ? $"the chain at its last entry, offset {Next + -1}, is not the sealed one"
            : null;
    }
}
