namespace Woodpecker.Testing.Histories;

/// <summary>One log's part of a check: takes the events in order, then audits what they left.</summary>
internal sealed partial class LogCheck(string name, HistoryCheckOptions options)
{
    private readonly ViolationList _violations = new(name, options.MaxViolations);

    // Appends.
    private readonly Dictionary<long, AppendOperation> _appends = [];
    private readonly List<AppendOperation> _appendOrder = [];
    private readonly Dictionary<ProducerKey, AppendedEntry> _produced = [];
    private readonly List<AppendedEntry> _entries = [];
    private readonly Dictionary<ulong, AppendedEntry> _acknowledged = [];
    private readonly Dictionary<string, ulong> _lastAnswered = new(StringComparer.Ordinal);
    private ulong _acknowledgedEnd;
    private ulong _visibleEnd;

    // What anybody saw: the first sight of every offset.
    private readonly Dictionary<ulong, (PayloadDigest Digest, long Op, string Client)> _seen = [];
    private readonly Dictionary<ulong, long> _visibleEnds = [];
    private readonly Dictionary<string, ulong> _visibleEndOf = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ReadingState> _readings = [];
    private readonly Dictionary<long, FinalReadState> _finals = [];

    private readonly List<(ulong From, ulong To)> _lost = [];
    private readonly List<(ulong From, ulong To)> _damaged = [];
    private ulong _truncationAsked;
    private readonly HashSet<ulong> _truncationPoints = [];
    private ulong _truncatedTo;
    private ulong _linearizableEnd;
    private bool _deletionAsked;
    private bool _deleted;

    public int Acknowledged => _acknowledged.Count;

    public int NotAppended { get; private set; }

    public int Indeterminate { get; private set; }

    public int IndeterminateThatAppeared { get; private set; }

    public int Reads { get; private set; }

    public int EntriesRead { get; private set; }

    public void Take(HistoryEvent line)
    {
        switch (line.Kind, line.Step)
        {
            case (OperationKind.Append, HistoryStep.Invoke):
                BeginAppend(line);
                break;
            case (OperationKind.Append, _):
                EndAppend(line);
                break;
            case (OperationKind.FinalRead, HistoryStep.Invoke):
                _finals.Add(line.Op, new FinalReadState(line.Op, _acknowledgedEnd, _visibleEnd));
                break;
            case (OperationKind.FinalRead, _):
                TakeFinal(line);
                break;
            case (OperationKind.DeclaredLoss, _):
                _lost.Add((line.Offset!.Value, line.To!.Value));
                break;
            case (OperationKind.Damage, _):
                _damaged.Add((line.Offset!.Value, line.To!.Value));
                break;
            case (_, HistoryStep.Invoke):
                BeginReading(line);
                break;
            default:
                EndReading(line);
                break;
        }
    }

    private void BeginAppend(HistoryEvent line)
    {
        var payloads = line.Payloads ?? throw new InvalidDataException($"An append without payloads: {line}");
        var entries = new AppendedEntry[payloads.Count];
        var isRepetition = false;
        for (var i = 0; i < entries.Length; i++)
        {
            if (line.Producer is { } producer)
            {
                var key = producer with { Sequence = producer.Sequence + (ulong)i };
                if (_produced.TryGetValue(key, out var known))
                {
                    entries[i] = known;
                    isRepetition = true;
                }
                else
                {
                    _produced.Add(key, entries[i] = NewEntry(line, payloads[i]));
                }
            }
            else
            {
                entries[i] = NewEntry(line, payloads[i]);
            }

            entries[i].Attempts++;
        }

        var append = new AppendOperation(line, entries, isRepetition, _deleted);
        _appends.Add(line.Op, append);
        _appendOrder.Add(append);
    }

    private AppendedEntry NewEntry(HistoryEvent line, PayloadDigest digest)
    {
        var entry = new AppendedEntry(line.Op, digest, line.Producer is not null, _acknowledgedEnd);
        _entries.Add(entry);
        return entry;
    }

    private void EndAppend(HistoryEvent line)
    {
        var append = _appends[line.Op];
        if (append.Result is not null)
        {
            _violations.Add("INV-32", line.Offset, "an append was answered twice", line.Op);
            return;
        }

        append.Result = line;
        switch (line.Outcome)
        {
            case OperationOutcome.Ok:
                Acknowledge(append, line.Offset!.Value);
                break;
            case OperationOutcome.NotAppended:
                foreach (var entry in append.Entries)
                    entry.Attempts--;
                if (append.Invoke.Offset is { } expected && line.Offset == expected)
                    _violations.Add("P4", expected, "a conditional append was refused although the next offset is the expected one", line.Op);
                break;
        }
    }

    private void Acknowledge(AppendOperation append, ulong first)
    {
        var op = append.Invoke.Op;
        if (append.IsAfterDeletion)
            _violations.Add("INV-40", first, "an append that began after the deletion was answered succeeded", op);
        if (append.Invoke.Offset is { } expected && expected != first)
            _violations.Add("P4", first, $"a conditional append at {expected} got another offset", op);
        if (options.ResultsAreInOrder && !append.IsRepetition)
        {
            if (_lastAnswered.TryGetValue(append.Invoke.Client, out var last) && first < last)
                _violations.Add("INV-5", first, $"answered after offset {last} of the same caller", op);
            _lastAnswered[append.Invoke.Client] = first;
        }

        for (var i = 0; i < append.Entries.Length; i++)
        {
            var entry = append.Entries[i];
            var offset = first + (ulong)i;
            if (entry.Offset is { } before)
            {
                if (before != offset)
                    _violations.Add("INV-29", offset, $"the same producer sequence was acknowledged at {before} too", entry.Op, op);
                continue;
            }

            entry.Offset = offset;
            if (offset < entry.EndBefore)
            {
                _violations.Add(
                    "real-time order", offset, $"offsets up to {entry.EndBefore} were acknowledged before this append began", entry.Op, op);
            }

            if (_acknowledged.TryGetValue(offset, out var other))
                _violations.Add("INV-2", offset, "two appends were acknowledged at one offset", other.Op, op);
            else
                _acknowledged.Add(offset, entry);
            _acknowledgedEnd = Math.Max(_acknowledgedEnd, offset + 1);
        }
    }

    private bool IsTruncationKnown => !options.LogsWithRetention.Contains(name);

    private static bool IsIn(List<(ulong From, ulong To)> ranges, ulong offset)
    {
        foreach (var (from, to) in ranges)
        {
            if (offset >= from && offset <= to)
                return true;
        }

        return false;
    }
}
