namespace Woodpecker.Testing.Histories;

/// <summary>
/// Records what clients asked and what they were told. The order of events is the order of the calls here, so an event
/// "invoke" is recorded before the call and an event "result" after it: then "X ended before Y began" is what the
/// history says.
/// </summary>
/// <remarks>
/// Threads: any. Time: given by the owner, virtual or real, and for people only; the checker looks at the order.
/// Memory: of payloads only length and hash are kept.
/// </remarks>
public sealed class History
{
    private readonly Lock _gate = new();
    private readonly List<HistoryEvent> _events = [];
    private readonly Func<TimeSpan> _elapsed;
    private long _lastOp;

    /// <param name="elapsed">Time since the run began; a simulator gives its virtual clock.</param>
    public History(Func<TimeSpan> elapsed) => _elapsed = elapsed;

    /// <summary>A recorded history, to be checked or to be gone on with.</summary>
    public History(IEnumerable<HistoryEvent> events, Func<TimeSpan>? elapsed = null)
        : this(elapsed ?? (static () => TimeSpan.Zero))
    {
        _events.AddRange(events);
        _lastOp = _events.Count == 0 ? 0 : _events.Max(static e => e.Op);
    }

    /// <summary>A history on a real clock.</summary>
    public static History OnClock(TimeProvider time)
    {
        var start = time.GetTimestamp();
        return new History(() => time.GetElapsedTime(start));
    }

    public int Count
    {
        get
        {
            lock (_gate)
                return _events.Count;
        }
    }

    /// <summary>A copy of what is recorded so far.</summary>
    public IReadOnlyList<HistoryEvent> Events
    {
        get
        {
            lock (_gate)
                return [.. _events];
        }
    }

    // ---- appends

    /// <summary>An append of one batch is about to be sent; its number is for the outcome.</summary>
    /// <param name="client">Whoever promises nothing about order except to itself (INV-5).</param>
    /// <param name="log">One life of a log.</param>
    /// <param name="payloads">Entries of the batch.</param>
    /// <param name="producer">Identity of the first entry. A repetition under the same identity is another operation.</param>
    /// <param name="expectedOffset">Condition (P4).</param>
    public long InvokeAppend(
        string client, string log, IEnumerable<ReadOnlyMemory<byte>> payloads, ProducerKey? producer = null, ulong? expectedOffset = null)
    {
        PayloadDigest[] digests = [.. payloads.Select(static p => PayloadDigest.Of(p.Span))];
        return Begin(new HistoryEvent
        {
            Op = 0,
            Kind = OperationKind.Append,
            Step = HistoryStep.Invoke,
            Client = client,
            Log = log,
            Payloads = digests,
            Producer = producer,
            Offset = expectedOffset,
        });
    }

    /// <summary>As above, one entry.</summary>
    public long InvokeAppend(
        string client, string log, ReadOnlyMemory<byte> payload, ProducerKey? producer = null, ulong? expectedOffset = null) =>
        InvokeAppend(client, log, [payload], producer, expectedOffset);

    public void AppendOk(long op, ulong firstOffset) => End(op, OperationKind.Append, OperationOutcome.Ok, firstOffset);

    /// <param name="op">The append.</param>
    /// <param name="reason">Why, for people.</param>
    /// <param name="next">What the refusal named as the next offset, of a conditional append.</param>
    public void NotAppended(long op, string reason, ulong? next = null) =>
        End(op, OperationKind.Append, OperationOutcome.NotAppended, next, reason: reason);

    public void Indeterminate(long op, string reason) =>
        End(op, OperationKind.Append, OperationOutcome.Indeterminate, reason: reason);

    // ---- reads

    /// <param name="client">One reading session: its offsets and visible ends never go back (INV-7).</param>
    /// <param name="log">One life of a log.</param>
    /// <param name="from">First offset asked for.</param>
    public long InvokeRead(string client, string log, ulong from) => Begin(new HistoryEvent
    {
        Op = 0,
        Kind = OperationKind.Read,
        Step = HistoryStep.Invoke,
        Client = client,
        Log = log,
        Offset = from,
    });

    public void ReadEntries(long op, IEnumerable<SeenEntry> entries, ulong? visibleEnd = null) => Add(new HistoryEvent
    {
        Op = op,
        Kind = OperationKind.Read,
        Step = HistoryStep.Result,
        Outcome = OperationOutcome.Ok,
        Entries = [.. entries],
        VisibleEnd = visibleEnd,
    });

    /// <summary>Any other answer; the offset is that of Truncated, a range that of DataLoss and Corrupt.</summary>
    public void ReadAnswer(
        long op, OperationOutcome outcome, ulong? offset = null, ulong? to = null, ulong? visibleEnd = null, string? reason = null) =>
        Add(new HistoryEvent
        {
            Op = op,
            Kind = OperationKind.Read,
            Step = HistoryStep.Result,
            Outcome = outcome,
            Offset = offset,
            To = to,
            VisibleEnd = visibleEnd,
            Reason = reason,
        });

    // ---- truncation, deletion, tail checks

    public long InvokeTruncate(string client, string log, ulong offset) => Begin(new HistoryEvent
    {
        Op = 0,
        Kind = OperationKind.Truncate,
        Step = HistoryStep.Invoke,
        Client = client,
        Log = log,
        Offset = offset,
    });

    public void TruncateOk(long op, ulong truncatedTo) => End(op, OperationKind.Truncate, OperationOutcome.Ok, truncatedTo);

    public long InvokeDelete(string client, string log) => Begin(new HistoryEvent
    {
        Op = 0,
        Kind = OperationKind.Delete,
        Step = HistoryStep.Invoke,
        Client = client,
        Log = log,
    });

    /// <summary>The answer "deleted", after which no append may succeed; not the answer "pending".</summary>
    public void DeleteOk(long op) => End(op, OperationKind.Delete, OperationOutcome.Ok);

    public long InvokeTailCheck(string client, string log, bool linearizable) => Begin(new HistoryEvent
    {
        Op = 0,
        Kind = OperationKind.TailCheck,
        Step = HistoryStep.Invoke,
        Client = client,
        Log = log,
        IsLinearizable = linearizable,
    });

    /// <param name="op">The check.</param>
    /// <param name="end">Offset after the last visible entry.</param>
    public void TailOk(long op, ulong end) => End(op, OperationKind.TailCheck, OperationOutcome.Ok, end);

    /// <summary>A truncation, deletion or tail check without a known outcome.</summary>
    public void Failed(long op, OperationKind kind, string reason) => End(op, kind, OperationOutcome.Indeterminate, reason: reason);

    // ---- what the test knows

    /// <summary>Offsets an operator gave up (11.6), first and last.</summary>
    public void DeclaredLoss(string log, ulong from, ulong to) => Note(OperationKind.DeclaredLoss, log, from, to);

    /// <summary>Offsets of which the test damaged every copy, first and last.</summary>
    public void Damage(string log, ulong from, ulong to) => Note(OperationKind.Damage, log, from, to);

    /// <summary>Begins the reading of all that is left of a log. There may be several, by different ways.</summary>
    public FinalRead BeginFinalRead(string log, string way = "final") => new(
        this,
        Begin(new HistoryEvent { Op = 0, Kind = OperationKind.FinalRead, Step = HistoryStep.Invoke, Client = way, Log = log }));

    internal void Add(HistoryEvent line)
    {
        lock (_gate)
            _events.Add(line with { At = Now() });
    }

    private long Begin(HistoryEvent line)
    {
        lock (_gate)
        {
            _events.Add(line with { Op = ++_lastOp, At = Now() });
            return _lastOp;
        }
    }

    private void End(long op, OperationKind kind, OperationOutcome outcome, ulong? offset = null, string? reason = null) =>
        Add(new HistoryEvent { Op = op, Kind = kind, Step = HistoryStep.Result, Outcome = outcome, Offset = offset, Reason = reason });

    private void Note(OperationKind kind, string log, ulong from, ulong to) =>
        Begin(new HistoryEvent { Op = 0, Kind = kind, Step = HistoryStep.Note, Client = "test", Log = log, Offset = from, To = to });

    private long Now() => (long)_elapsed().TotalMicroseconds;
}
