namespace Woodpecker.Testing.Histories;

/// <content>What must hold when everything is known.</content>
internal sealed partial class LogCheck
{
    public IReadOnlyList<HistoryViolation> Finish()
    {
        var places = new Dictionary<PayloadDigest, ulong>();
        foreach (var (offset, sight) in _seen)
            places.TryAdd(sight.Digest, offset);
        var finals = _finals.Values.Where(static f => f.IsComplete).ToList();

        CountOutcomes();
        if (finals.Count == 0 && !_deletionAsked && options.RequiresFinalRead)
            _violations.Add("INV-1", null, "nobody read the log to its end, so nothing is shown");
        CheckFinals(finals);
        CheckAcknowledged(finals, places);
        ExplainSeen(places);
        CheckBatches(finals, places);
        CheckCallerOrder();
        return _violations.Found;
    }

    private void CountOutcomes()
    {
        foreach (var entry in _entries)
        {
            if (entry.IsIndeterminate)
                Indeterminate++;
            else if (entry.Offset is null)
                NotAppended++;
        }
    }

    private void CheckFinals(List<FinalReadState> finals)
    {
        foreach (var read in finals)
        {
            var visible = read.VisibleEnd;
            if (visible > read.End && !IsIn(_damaged, read.End) && !IsIn(_lost, read.End))
            {
                _violations.Add(
                    "INV-8", visible - 1, $"was visible and is not any more: the log ends at {read.End}", _visibleEnds[visible], read.Op);
            }

            if (_truncatedTo > read.End)
                _violations.Add("INV-27", _truncatedTo, $"truncated beyond the end {read.End}", read.Op);
            if (IsTruncationKnown && read.First > _truncationAsked)
                _violations.Add("INV-27", read.First - 1, $"gone, though a truncation to {_truncationAsked} at most was asked for", read.Op);
            if (read.First < _truncatedTo && !_deletionAsked)
                _violations.Add("INV-27", read.First, $"readable below the truncation point {_truncatedTo}", read.Op);
            foreach (var (from, to, answer) in read.Holes)
            {
                var excused = answer == OperationOutcome.DataLoss ? _lost.Concat(_damaged) : _damaged;
                if (!excused.Any(range => range.From <= from && range.To >= to))
                    _violations.Add("INV-1", from, $"up to {to} answered as {answer}, though nothing was given up or damaged there", read.Op);
            }
        }
    }

    private void CheckAcknowledged(List<FinalReadState> finals, Dictionary<PayloadDigest, ulong> places)
    {
        foreach (var (offset, entry) in _acknowledged)
        {
            if (_seen.TryGetValue(offset, out var sight) && sight.Digest != entry.Digest)
            {
                Misplaced(offset, entry, places, $"acknowledged as {entry.Digest}, found as {sight.Digest}", sight.Op);
                continue;
            }

            if (_deletionAsked || IsIn(_lost, offset))
                continue;
            foreach (var read in finals)
            {
                if (offset < read.End || offset < read.First || offset >= read.AcknowledgedEnd)
                    continue; // There (see above), in a hole (checked with the holes) or truncated (checked with the truncations).
                if (IsIn(_damaged, offset))
                    _violations.Add("INV-31", offset, $"damaged, but a final read says that the log ends at {read.End}", entry.Op, read.Op);
                else
                    Misplaced(offset, entry, places, $"acknowledged, and the log ends at {read.End}", read.Op);
                break;
            }
        }
    }

    private void Misplaced(ulong offset, AppendedEntry entry, Dictionary<PayloadDigest, ulong> places, string text, long by)
    {
        if (entry.Digest.Length > 0 && places.TryGetValue(entry.Digest, out var place))
            _violations.Add("INV-34", offset, $"{text}; the entry is at {place}", entry.Op, by);
        else
            _violations.Add("INV-1", offset, text, entry.Op, by);
    }

    /// <summary>Every entry seen is one somebody appended, and no more often than that.</summary>
    private void ExplainSeen(Dictionary<PayloadDigest, ulong> places)
    {
        var open = new Dictionary<PayloadDigest, int>();
        var asked = new Dictionary<PayloadDigest, AppendedEntry>();
        foreach (var entry in _entries)
        {
            if (!asked.TryGetValue(entry.Digest, out var known) || (known.Offset is null && entry.Attempts > 0))
                asked[entry.Digest] = entry;
            if (entry.IsIndeterminate)
                open[entry.Digest] = open.GetValueOrDefault(entry.Digest) + 1;
        }

        foreach (var (offset, sight) in _seen)
        {
            if (_acknowledged.TryGetValue(offset, out var entry))
                continue; // Its own entry, or a violation that is told already.
            if (open.TryGetValue(sight.Digest, out var left) && left > 0)
            {
                open[sight.Digest] = left - 1;
                IndeterminateThatAppeared++;
            }
            else if (!asked.TryGetValue(sight.Digest, out entry))
            {
                _violations.Add("INV-2", offset, $"holds {sight.Digest}, which nobody appended to this log", sight.Op);
            }
            else if (entry.Attempts == 0)
            {
                _violations.Add("INV-3", offset, "holds an entry whose append was answered as not appended", entry.Op, sight.Op);
            }
            else
            {
                var elsewhere = entry.Offset ?? places[sight.Digest];
                _violations.Add(
                    entry.HasProducer ? "INV-29" : "INV-4", offset, $"holds an entry that is at {elsewhere} too", entry.Op, sight.Op);
            }
        }
    }

    private void CheckBatches(List<FinalReadState> finals, Dictionary<PayloadDigest, ulong> places)
    {
        foreach (var append in _appendOrder)
        {
            if (append.Entries.Length < 2 || append.IsRepetition)
                continue;
            if (append.Result is { Outcome: OperationOutcome.Ok, Offset: { } first })
            {
                for (var i = 1; i < append.Entries.Length; i++)
                {
                    // Who knows of a truncation and of nothing behind it takes that point for the end: of the batch nothing is seen.
                    if (_visibleEnds.TryGetValue(first + (ulong)i, out var op) && !_truncationPoints.Contains(first + (ulong)i))
                        _violations.Add("INV-35", first + (ulong)i, "a visible end inside a batch", append.Invoke.Op, op);
                }
            }
            else
            {
                CheckWhole(append, finals, places);
            }
        }
    }

    /// <summary>INV-35: of a batch without known outcome all entries are there, side by side, or none.</summary>
    private void CheckWhole(AppendOperation append, List<FinalReadState> finals, Dictionary<PayloadDigest, ulong> places)
    {
        for (var i = 0; i < append.Entries.Length; i++)
        {
            var digest = append.Entries[i].Digest;
            if (digest.Length < SelfDescribingPayload.MinSize || !places.TryGetValue(digest, out var place) || place < (ulong)i)
                continue; // Not there, or too short to be told from another one.
            var first = place - (ulong)i;
            for (var k = 0; k < append.Entries.Length; k++)
            {
                var offset = first + (ulong)k;
                var isThere = _seen.TryGetValue(offset, out var sight) && sight.Digest == append.Entries[k].Digest;
                var isDue = _seen.ContainsKey(offset)
                    || finals.Exists(f => f.IsComplete && offset >= f.End) || finals.Exists(f => f.Covers(offset));
                if (!isThere && isDue && !IsIn(_lost, offset) && !IsIn(_damaged, offset))
                {
                    _violations.Add("INV-35", offset, $"should hold entry {k} of a batch whose entry {i} is at {place}", append.Invoke.Op);
                    return;
                }
            }

            return;
        }
    }

    private void CheckCallerOrder()
    {
        var last = new Dictionary<string, (ulong Offset, long Op)>(StringComparer.Ordinal);
        foreach (var append in _appendOrder)
        {
            if (append.IsRepetition || append.Result is not { Outcome: OperationOutcome.Ok, Offset: { } first })
                continue;
            if (last.TryGetValue(append.Invoke.Client, out var before) && first <= before.Offset)
                _violations.Add("INV-5", first, $"the caller's earlier append is at {before.Offset}", before.Op, append.Invoke.Op);
            last[append.Invoke.Client] = (first, append.Invoke.Op);
        }
    }
}
