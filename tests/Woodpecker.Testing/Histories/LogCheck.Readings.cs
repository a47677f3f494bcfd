namespace Woodpecker.Testing.Histories;

/// <content>Reads, tail checks, truncations and deletions, as they happened.</content>
internal sealed partial class LogCheck
{
    private void BeginReading(HistoryEvent line)
    {
        if (line.Kind == OperationKind.Truncate)
        {
            _truncationAsked = Math.Max(_truncationAsked, line.Offset!.Value);
            _truncationPoints.Add(line.Offset.Value);
        }

        _deletionAsked |= line.Kind == OperationKind.Delete;
        _readings.Add(line.Op, new ReadingState(
            line, _visibleEndOf.GetValueOrDefault(line.Client), _acknowledgedEnd, _truncatedTo, _linearizableEnd, _deletionAsked));
    }

    private void EndReading(HistoryEvent line)
    {
        var state = _readings[line.Op];
        if (state.IsAnswered)
        {
            _violations.Add("INV-32", state.Invoke.Offset, "an operation was answered twice", line.Op);
            return;
        }

        state.IsAnswered = true;
        switch (line.Kind)
        {
            case OperationKind.Read:
                EndRead(state, line);
                break;
            case OperationKind.Truncate when line.Outcome == OperationOutcome.Ok:
                EndTruncate(state, line.Offset!.Value);
                break;
            case OperationKind.Delete when line.Outcome == OperationOutcome.Ok:
                _deleted = true;
                break;
            case OperationKind.TailCheck when line.Outcome == OperationOutcome.Ok:
                EndTailCheck(state, line.Offset!.Value);
                break;
        }
    }

    private void EndTruncate(ReadingState state, ulong point)
    {
        if (point < state.TruncatedTo)
            _violations.Add("INV-27", point, $"the truncation point went back from {state.TruncatedTo}", state.Invoke.Op);
        if (point < state.Invoke.Offset)
            _violations.Add("INV-27", point, $"a truncation to {state.Invoke.Offset} was answered with less", state.Invoke.Op);
        _truncatedTo = Math.Max(_truncatedTo, point);
    }

    private void EndTailCheck(ReadingState state, ulong end)
    {
        var op = state.Invoke.Op;
        if (state.Invoke.IsLinearizable == true)
        {
            if (end < state.AcknowledgedEnd)
                _violations.Add("V7", end, $"a linearizable tail check missed what was acknowledged up to {state.AcknowledgedEnd} before", op);
            if (end < state.LinearizableEnd)
                _violations.Add("V7", end, $"a linearizable tail check went back from {state.LinearizableEnd}", op);
            _linearizableEnd = Math.Max(_linearizableEnd, end);
        }

        SeeVisibleEnd(state, end);
    }

    private void EndRead(ReadingState state, HistoryEvent line)
    {
        Reads++;
        var (op, from) = (line.Op, state.Invoke.Offset!.Value);
        switch (line.Outcome)
        {
            case OperationOutcome.Ok:
                TakeEntries(state, line);
                break;
            case OperationOutcome.NotYet:
                if (from < state.OwnVisibleEnd)
                    _violations.Add("INV-31", from, $"answered as not there yet to a reader that knew of entries up to {state.OwnVisibleEnd}", op);
                if (from < state.TruncatedTo && !options.MetadataMayBeStale)
                    _violations.Add("INV-27", from, $"below the truncation point {state.TruncatedTo}, answered as not there yet", op);
                break;
            case OperationOutcome.Truncated:
                if (line.Offset <= from)
                    _violations.Add("INV-27", from, $"answered as truncated to {line.Offset}, which is not above it", op);
                if (IsTruncationKnown && line.Offset > _truncationAsked)
                    _violations.Add("INV-27", line.Offset, $"gone by truncation, though only {_truncationAsked} was asked for", op);
                break;
            case OperationOutcome.DataLoss when !IsIn(_lost, from) && !IsIn(_damaged, from):
                _violations.Add("INV-1", from, "answered as lost, though nobody declared a loss", op);
                break;
            case OperationOutcome.Deleted when !_deletionAsked && state.AcknowledgedEnd > 0:
                _violations.Add("INV-31", from, "answered as unknown log, though it exists", op);
                break;
        }

        if (line.VisibleEnd is { } end)
            SeeVisibleEnd(state, end);
    }

    private void TakeEntries(ReadingState state, HistoryEvent line)
    {
        var (op, from) = (line.Op, state.Invoke.Offset!.Value);
        var entries = line.Entries ?? [];
        if (entries.Count == 0)
        {
            _violations.Add("INV-31", from, "a success without entries", op); // V2
            return;
        }

        EntriesRead += entries.Count;
        if (options.TruncationIsImmediate && from < state.TruncatedTo)
            _violations.Add("INV-27", from, $"entries below the truncation point {state.TruncatedTo}", op);
        var next = from;
        foreach (var entry in entries)
        {
            if (entry.Offset < next)
                _violations.Add("INV-7", entry.Offset, $"came where {next} was due", op);
            else if (entry.Offset > next)
                _violations.Add("INV-6", next, $"skipped in silence: {entry.Offset} came", op);
            next = entry.Offset + 1;
            See(entry, op, state.Invoke.Client);
        }

        if (line.VisibleEnd < next)
            _violations.Add("INV-8", next - 1, $"shown, though only entries below {line.VisibleEnd} are visible", op);
    }

    private void See(SeenEntry entry, long op, string client)
    {
        if (entry.IsDamaged)
            _violations.Add("INV-30", entry.Offset, "the bytes do not fit their own hash", op);
        if (IsIn(_lost, entry.Offset))
            _violations.Add("INV-2", entry.Offset, "an offset of a declared loss was used again", op);
        if (!_seen.TryGetValue(entry.Offset, out var before))
        {
            _seen.Add(entry.Offset, (entry.Digest, op, client));
            return;
        }

        if (before.Digest == entry.Digest)
            return;
        var text = $"shown as {before.Digest} and as {entry.Digest}";
        _violations.Add("INV-2", entry.Offset, text, before.Op, op);
        if (before.Client != client)
            _violations.Add("INV-7", entry.Offset, $"{before.Client} and {client} disagree: {text}", before.Op, op);
    }

    private void SeeVisibleEnd(ReadingState state, ulong end)
    {
        if (end < state.OwnVisibleEnd)
            _violations.Add("INV-7", end, $"the visible end of {state.Invoke.Client} went back from {state.OwnVisibleEnd}", state.Invoke.Op);
        _visibleEnds.TryAdd(end, state.Invoke.Op);
        _visibleEnd = Math.Max(_visibleEnd, end);
        ref var known = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_visibleEndOf, state.Invoke.Client, out _);
        known = Math.Max(known, end);
    }

    private void TakeFinal(HistoryEvent line)
    {
        var read = _finals[line.Op];
        if (line.Step == HistoryStep.Result)
        {
            read.IsComplete = true;
            read.First = line.Offset!.Value;
            read.End = line.To!.Value;
            var (start, next) = read.Start is { } s ? (s, read.Next) : (read.First, read.First);
            if (start != read.First)
                _violations.Add("INV-6", read.First, $"the first offset left, but a final read began at {start}", line.Op);
            if (next != read.End)
                _violations.Add("INV-6", next, $"missing below the end {read.End} of a final read", line.Op);
            return;
        }

        if (line.Entries is null)
        {
            Advance(read, line.Offset!.Value, line.To!.Value + 1, line.Op);
            read.Holes.Add((line.Offset.Value, line.To.Value, line.Outcome!.Value));
            return;
        }

        foreach (var entry in line.Entries)
        {
            EntriesRead++;
            Advance(read, entry.Offset, entry.Offset + 1, line.Op);
            See(entry, line.Op, $"final read {line.Op}");
        }
    }

    private void Advance(FinalReadState read, ulong offset, ulong next, long op)
    {
        read.Start ??= offset;
        if (read.Next != offset && read.Start != offset)
            _violations.Add("INV-6", read.Next, $"a final read went on at {offset}", op);
        read.Next = next;
    }
}
