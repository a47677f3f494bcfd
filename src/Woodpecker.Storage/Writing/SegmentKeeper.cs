using Microsoft.Extensions.Logging;
using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>How a session ends.</summary>
internal enum SessionVerdict
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>A newer reign exists.</summary>
    Fenced,

    /// <summary>Something failed or is unknown; the next reign finds out by takeover.</summary>
    Failed,

    /// <summary>Sealed and released as planned; entries beyond the seal are known not to be in the log (W7).</summary>
    Released,
}

/// <summary>
/// The segments of a session: opens the next one when appends wait, rolls by size, age and health, seals when idle or
/// closing, moves un-confirmed frames over a roll. One metadata step at a time, none on the way of an append.
/// </summary>
/// <remarks>Threads: the session's loop. Rules: W10, X7, X8, section 10, O6.</remarks>
internal sealed partial class SegmentKeeper(
    SessionServices services,
    SessionStart start,
    WriterCore<PendingAppend> core,
    UnconfirmedFrames frames,
    AsyncSignal signal,
    ISinkListener listener) : IAsyncDisposable
{
    private static readonly TimeSpan _closeWait = TimeSpan.FromSeconds(10);

    private readonly WriterSettings _settings = services.Settings;
    private readonly TimeProvider _time = services.Time;
    private readonly RollPolicy _roll =
        new(start.Log.SegmentBytes, TimeSpan.FromMilliseconds(start.Log.SegmentAgeMilliseconds));
    private readonly SegmentTransitions _transitions = new(services, start.Reign.Log, start.Log.Mode);
    private readonly SessionClosings _closings = new(services.Time);
    private readonly CancellationTokenSource _stop = new();
    private Reign _reign = start.Reign;
    private SegmentId _nextSegment = start.NextSegment;
    private long _preparedRevision = start.PreparedRevision;
    private PendingStep? _step;
    private StepKind _frozenFor;
    private SegmentEnd _frozenEnd;
    private IReadOnlyList<ReplicaId>? _nextMembers;
    private long? _markRevision;
    private long _retryAt;
    private long _drainUntil;
    private long? _metadataSeenAt;
    private long _frozenAt;
    private long _closeUntil;
    private long _requestedLive;
    private long _namedLive;
    private string _lastProblem = "";

    private RollPolicy Roll => services.Place.RollLimit is { } limit ? _roll.AtMost(limit) : _roll;

    /// <summary>The open segment; null while idle.</summary>
    public OpenSegment? Open { get; private set; }

    /// <summary>Whether no new frame may be built, because the segment is about to end.</summary>
    public bool HoldsBack => _nextMembers is not null || core.Phase != WriterPhase.Open || Open is null
        || Roll.IsAtHardCap(Open.Bytes);

    /// <summary>
    /// Why appends cannot go on although the segment's members work: it may take no more until metadata answers (section
    /// 13). Null while they can.
    /// </summary>
    public string? StallReason
    {
        get
        {
            if (Open is not { } open)
                return null;
            if (core.Phase == WriterPhase.Frozen)
            {
                return _time.GetElapsedTime(_frozenAt) > _settings.MetadataFreshness
                    ? "the end of the segment is not settled" : null;
            }

            return Roll.IsAtHardCap(open.Bytes) && _lastProblem.Length > 0 ? _lastProblem : null;
        }
    }

    /// <summary>Timestamp of the log's last entry, in microseconds since 1970 UTC.</summary>
    public long LastTimestamp
    {
        get => _transitions.LastTimestamp;
        set => _transitions.LastTimestamp = value;
    }

    /// <summary>Why the last opening failed; null once a segment is open.</summary>
    public WoodpeckerException? OpeningFailure { get; private set; }

    /// <summary>Whether the session is over.</summary>
    public SessionVerdict Verdict { get; private set; }

    /// <summary>Why it is over.</summary>
    public string VerdictDetail { get; private set; } = "";

    /// <summary>Asks for a Reassert; any thread.</summary>
    public void RequestReassert(long liveCreateRevision) => Volatile.Write(ref _requestedLive, liveCreateRevision);

    /// <summary>Takes the outcome of a finished step and starts the next one that is due.</summary>
    public void Turn(bool hasWaiting, bool isClosing)
    {
        TakeOutcome(isClosing);
        if (Verdict == SessionVerdict.None && _step is null)
            Choose(hasWaiting, isClosing);
    }

    /// <summary>When to look again, in time from now; null if nothing is due by time.</summary>
    public TimeSpan? NextDue(bool hasWaiting, bool isClosing)
    {
        if (_step is not null || Verdict != SessionVerdict.None)
            return null;
        if (_retryAt > _time.GetTimestamp() && (hasWaiting || Open is not null))
            return Until(_retryAt);
        if (_nextMembers is not null)
            return Open is { Sink.IsSeenBeforeConfirmed: true } ? null : Until(_drainUntil);
        if (Open is null)
            return null;
        if (isClosing)
            return Until(_closeUntil);
        var idle = _settings.IdleSeal - _time.GetElapsedTime(Open.LastUsedAt);
        var aged = Roll.MaxAge - _time.GetElapsedTime(Open.OpenedAt);
        var due = idle < aged ? idle : aged;
        return Open.Sink.WantsRoll && !core.AssignedEntry.IsNone ? Min(due, _settings.EarlyRollAge - _time.GetElapsedTime(Open.OpenedAt)) : due;
    }

    /// <summary>Starts to write to a segment whose opening is known to have succeeded (INV-36).</summary>
    public void Enter(Versioned<SegmentValue> opened)
    {
        var value = opened.Value;
        SegmentLifecycle.Check(null, value.State);
        Invariant.Check(value.Epoch == core.Epoch, "INV-12");
        var key = new SegmentKey(_reign.Log, _nextSegment);
        var baseOffset = value.BaseOffset!.Value;
        core.OpenSegment(_nextSegment, baseOffset);
        ReplicaId[] members = [.. value.Ensemble.Select(static m => m.ToReplicaId())];
        var header = SegmentHeaders.Encode(key, core.Epoch, baseOffset, value.OpenedAt, members, core.ConfirmedState);
        var opening = new SegmentOpening(key, core.Epoch, baseOffset, members, header, value.SlotNonce);
        var sink = services.Place.OpenSink(opening, listener);
        Open = new OpenSegment(_nextSegment, opened, sink, _time.GetTimestamp());
        _nextSegment = _nextSegment.Next;
        _preparedRevision = 0;
        OpeningFailure = null;
        _lastProblem = "";
        WriterMetrics.OnSegmentOpened();
        Log.Opened(services.Logger, key, core.Epoch, baseOffset);
        MoveFrames(key, baseOffset, sink);
    }

    /// <summary>Lets go of everything; the open segment stays as it is for the next reign.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_step is not null)
            await _step.Task;
        if (Open is not null)
            await Open.Sink.DisposeAsync();
        await _closings.WaitAsync();
        await start.Announcing;
        _stop.Dispose();
    }

    private void TakeOutcome(bool isClosing)
    {
        if (_step?.Outcome is not { } outcome)
            return;
        var step = _step;
        _step = null;
        if (outcome.Reign == ReignOutcome.Fenced)
            End(SessionVerdict.Fenced, "the epoch key changed");
        else if (outcome.Reign == ReignOutcome.Conflict)
            End(SessionVerdict.Failed, $"{step.Kind} met a segment key that this reign did not write");
        else if (outcome.IsUnknown && step.Kind is not (StepKind.Probe or StepKind.Look))
            End(SessionVerdict.Failed, $"the outcome of {step.Kind} is unknown: {outcome.Error?.Message}");
        else if (outcome.Error is { } error)
            OnNotDone(step.Kind, error);
        else
            OnDone(step, outcome, isClosing);
    }

    // Definitely not done: the same step is tried again after a pause; a frozen segment stays frozen with the same end.
    private void OnNotDone(StepKind kind, Exception error)
    {
        // A state that lasts is told once.
        if (_lastProblem != error.Message)
            Log.StepFailed(services.Logger, kind, _reign.Log, error.Message);
        _lastProblem = error.Message;
        _retryAt = After(_settings.RetryPause);
        if (kind == StepKind.Probe)
            _drainUntil = 0;
        if (kind == StepKind.Open)
            OpeningFailure = error as WoodpeckerException
                ?? WriterErrors.Failed($"The segment cannot be opened: {error.Message}", error);
        if (kind == StepKind.Release)
            End(SessionVerdict.Released, "");
    }

    private void OnDone(PendingStep step, TransitionOutcome outcome, bool isClosing)
    {
        switch (step.Kind)
        {
            case StepKind.Open:
                Enter(outcome.Opened!);
                break;
            case StepKind.Probe:
                _metadataSeenAt = _time.GetTimestamp();
                _nextMembers = outcome.Members;
                // A second look after a long drain does not begin the drain anew.
                _drainUntil = _drainUntil == 0 ? After(_settings.RollWait) : _drainUntil;
                break;
            case StepKind.Look:
                _metadataSeenAt = _time.GetTimestamp();
                break;
            case StepKind.Roll:
                LeaveOpen();
                Enter(outcome.Opened!);
                break;
            case StepKind.Seal:
                LeaveOpen();
                if (isClosing)
                    Begin(StepKind.Release, _transitions.ReleaseAsync(_reign, _stop.Token));
                else
                    core.GoIdle();
                break;
            case StepKind.Verify:
                _markRevision = outcome.MarkRevision;
                Open!.Sink.OnVerified(step.Mark);
                break;
            case StepKind.Reassert:
                _reign = outcome.NewReign!;
                _namedLive = step.RequestedLive;
                break;
            case StepKind.Release:
                End(SessionVerdict.Released, "");
                break;
        }
    }

    private void Choose(bool hasWaiting, bool isClosing)
    {
        var requested = Volatile.Read(ref _requestedLive);
        var mayTry = _time.GetTimestamp() >= _retryAt;
        if (requested != _namedLive && mayTry && core.Phase != WriterPhase.Frozen)
        {
            _step = PendingStep.Start(
                StepKind.Reassert, _transitions.ReassertAsync(_reign, requested, _stop.Token), signal,
                requestedLive: requested);
            return;
        }

        switch (core.Phase)
        {
            case WriterPhase.Idle when isClosing && !hasWaiting:
                Begin(StepKind.Release, _transitions.ReleaseAsync(_reign, _stop.Token));
                break;
            case WriterPhase.Idle when hasWaiting && mayTry:
                Begin(StepKind.Open, _transitions.OpenNextAsync(
                    _reign, _nextSegment, core.NextOffset, _preparedRevision, _stop.Token));
                break;
            case WriterPhase.Frozen when mayTry:
                BeginFrozen();
                break;
            case WriterPhase.Open:
                ChooseWhileOpen(Open!, hasWaiting, isClosing, mayTry);
                if (_step is null && mayTry && Verdict == SessionVerdict.None)
                    BeginVerify(Open!);
                break;
        }
    }

    // B10: one at a time, for everything that was stored meanwhile.
    private void BeginVerify(OpenSegment open)
    {
        if (open.Sink.Unverified is { } mark)
        {
            _step = PendingStep.Start(
                StepKind.Verify, _transitions.VerifyAsync(_reign, open, mark, _markRevision, _stop.Token), signal,
                mark: mark);
        }
    }

    private void ChooseWhileOpen(OpenSegment open, bool hasWaiting, bool isClosing, bool mayTry)
    {
        var isStuck = open.Sink.State == SinkState.Stuck;
        // INV-8: what readers may have seen is not left beyond a seal; a put ends one day, well or badly (B4).
        var mayLeaveRest = !open.Sink.IsSeenBeforeConfirmed;
        if (_nextMembers is not null)
        {
            var mayFreeze = core.IsQuiet
                || (mayLeaveRest && (isStuck || _time.GetTimestamp() >= _drainUntil));
            if (!mayFreeze)
                return;
            if (IsMetadataFresh)
            {
                Freeze(open, StepKind.Roll);
            }
            else if (mayTry)
            {
                // X8: the drain took long, so metadata is looked at again; appends go on meanwhile.
                _nextMembers = null;
                Begin(StepKind.Probe, _transitions.ProbeAsync(_reign, _nextSegment, _stop.Token));
            }
        }
        else if (isClosing && !hasWaiting)
        {
            if (_closeUntil == 0)
                _closeUntil = After(_closeWait);
            var isOver = _time.GetTimestamp() >= _closeUntil;
            if (core.IsQuiet || (mayLeaveRest && (isStuck || isOver)))
                Freeze(open, StepKind.Seal);
            else if (isOver)
                End(SessionVerdict.Failed, "slots were still being put at the end of the time to close");
        }
        else if (mayTry && (isStuck || ShouldRoll(open)))
        {
            Begin(StepKind.Probe, _transitions.ProbeAsync(_reign, _nextSegment, _stop.Token));
        }
        else if (!hasWaiting && core.IsQuiet && _time.GetElapsedTime(open.LastUsedAt) >= _settings.IdleSeal)
        {
            // X8: a frozen segment takes no appends, so an idle one stays open while metadata is away.
            if (IsMetadataFresh)
                Freeze(open, StepKind.Seal);
            else if (mayTry)
                Begin(StepKind.Look, _transitions.LookAsync(_reign, _stop.Token));
        }
    }

    private bool IsMetadataFresh =>
        _metadataSeenAt is { } seen && _time.GetElapsedTime(seen) <= _settings.MetadataFreshness;

    private bool ShouldRoll(OpenSegment open)
    {
        var age = _time.GetElapsedTime(open.OpenedAt);
        var isEmpty = core.AssignedEntry.IsNone;
        return Roll.ShouldRoll(open.Bytes, isEmpty, age)
            || (open.Sink.WantsRoll && !isEmpty && age >= _settings.EarlyRollAge);
    }

    // W10: from here on late acks of this segment are ignored; the end is exactly what was confirmed (INV-16).
    private void Freeze(OpenSegment open, StepKind kind)
    {
        var last = core.Freeze();
        _frozenEnd = new SegmentEnd(last, frames.ConfirmedChain, ConfirmedSlot(open.Sink));
        _frozenFor = kind;
        _frozenAt = _time.GetTimestamp();
        BeginFrozen();
    }

    private void BeginFrozen()
    {
        var work = _frozenFor == StepKind.Roll
            ? _transitions.RollAsync(_reign, Open!, _frozenEnd, _nextMembers!, _stop.Token)
            : _transitions.SealAsync(_reign, Open!, _frozenEnd, _stop.Token);
        _step = PendingStep.Start(_frozenFor, work, signal);
    }

    private void LeaveOpen()
    {
        WriterMetrics.OnSegmentSealed();
        Log.Sealed(services.Logger, new SegmentKey(_reign.Log, Open!.Id), _frozenEnd.LastEntry);
        _closings.Start(Open.Sink, _frozenEnd.LastEntry, _frozenEnd.Chain);
        Open = null;
        _nextMembers = null;
        _drainUntil = 0;
    }

    // Section 10: un-confirmed entries go to the next segment in the same order, gapless, so each keeps its offset.
    private void MoveFrames(SegmentKey key, Offset baseOffset, ISegmentSink sink)
    {
        var moved = frames.TakeAll();
        frames.Begin(ChainHash.Start(key.Log, key.Segment, core.Epoch, baseOffset));
        foreach (var frame in Mutation.Is(KnownMistake.HoleInReappend) ? moved.Skip(1) : moved)
        {
            var firstOffset = frame.Header.FirstOffset;
            var next = frame.MoveTo(new FrameStart(
                key.Log, key.Segment, core.Epoch, new EntryId(firstOffset - baseOffset), firstOffset, EntryId.None,
                frames.LastChain));
            frame.Release();
            next.AddReference();
            frames.Add(next);
            Open!.Bytes += next.Length;
            sink.Send(next);
        }
    }

    private void Begin(StepKind kind, Task<TransitionOutcome> work) => _step = PendingStep.Start(kind, work, signal);

    private void End(SessionVerdict verdict, string detail) => (Verdict, VerdictDetail) = (verdict, detail);

    private static long? ConfirmedSlot(ISegmentSink sink) => sink.ConfirmedSlot;

    private long After(TimeSpan span) => _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);

    private TimeSpan Until(long timestamp)
    {
        var left = timestamp - _time.GetTimestamp();
        return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / _time.TimestampFrequency);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static partial class Log
    {
        [LoggerMessage(
            3101, LogLevel.Information, "Segment {Segment} is open under epoch {Epoch} from offset {BaseOffset}")]
        public static partial void Opened(ILogger logger, SegmentKey segment, LogEpoch epoch, Offset baseOffset);

        [LoggerMessage(3102, LogLevel.Information, "Segment {Segment} is sealed at entry {LastEntry}")]
        public static partial void Sealed(ILogger logger, SegmentKey segment, EntryId lastEntry);

        [LoggerMessage(3103, LogLevel.Warning, "{Step} of log {LogId} was not done: {Reason}")]
        public static partial void StepFailed(ILogger logger, StepKind step, LogId logId, string reason);
    }
}
