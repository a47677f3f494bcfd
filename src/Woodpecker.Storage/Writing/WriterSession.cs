using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// One reign of one log: a loop that batches waiting appends into frames, sends them to the segment's sink, answers in
/// order when they are confirmed, and opens, rolls and seals segments. The modes differ only in the sink.
/// </summary>
/// <remarks>
/// Threads:    any may call; all state belongs to the loop.
/// Durability: an Ok is given after the sink confirmed the entries; its level is the place's.
/// Errors:     every append is answered exactly once with one of three outcomes (W7, INV-32).
/// Rules:      W1 to W10, section 10, X7, X8; the decisions are in <see cref="WriterCore{TTicket}"/>.
/// </remarks>
public sealed partial class WriterSession : ISinkListener, IAsyncDisposable
{
    private readonly SessionServices _services;
    private readonly WriterSettings _settings;
    private readonly TimeProvider _time;
    private readonly LogId _logId;
    private readonly WriterCore<PendingAppend> _core;
    private readonly AppendQueue _queue;
    private readonly FrameBuilder _builder;
    [SuppressMessage(
        "Usage", "CA2213", Justification = "The loop disposes it at its end, which every session reaches.")]
    private readonly SegmentKeeper _segments;
    private readonly UnconfirmedFrames _frames = new();
    private readonly WaitingAppends _waiting = new();
    private readonly AsyncSignal _signal = new();
    [SuppressMessage(
        "Usage", "CA2213", Justification = "The loop disposes it at its end, which every session reaches.")]
    private readonly SessionTimer _timer;
    private readonly SendWindow _window;
    private readonly TimeSpan _linger;
    private volatile bool _isClosing;
    private volatile bool _isAborting;
    private volatile bool _hasEnded;
    private long _confirmedEnd;
    private long _cutOffSince;
    private Task _loop = Task.CompletedTask;

    private WriterSession(SessionServices services, SessionStart start)
    {
        _services = services;
        _settings = services.Settings;
        _time = services.Time;
        _logId = start.Reign.Log;
        _core = new WriterCore<PendingAppend>(
            start.Reign.Epoch, start.NextOffset, start.State, requiresToken: start.Log.RequireToken == true);
        _queue = new AppendQueue(_settings.MaxQueuedBytes, _settings.MaxQueuedBatches, services.Budget);
        _builder = new FrameBuilder(
            _logId, _core, _queue, services.Place, start.State.LastTimestamp);
        _segments = new SegmentKeeper(services, start, _core, _frames, _signal, this);
        _timer = new SessionTimer(_time, _signal);
        _window = services.Place.Window
            ?? new SendWindow(_settings.TargetFrameSize, _settings.MaxUnconfirmedBytes, _settings.PipelineDepth);
        _linger = start.Log.Mode == LogMode.MemoryBuffer
            ? TimeSpan.FromMilliseconds(start.Log.LingerMilliseconds)
            : TimeSpan.Zero;
        _confirmedEnd = (long)start.NextOffset.Value;
    }

    /// <summary>The epoch of the reign.</summary>
    public LogEpoch Epoch => _core.Epoch;

    /// <summary>Offset after the last confirmed entry: the visible end as the owner knows it (V1).</summary>
    public Offset ConfirmedEnd => new((ulong)Volatile.Read(ref _confirmedEnd));

    /// <summary>Completes when the session ended, for whatever reason; never faults.</summary>
    public Task Completion => _loop;

    /// <summary>Whether appends are still taken.</summary>
    public bool IsOpen => !_isClosing && !_isAborting && !_hasEnded;

    /// <summary>
    /// How long the session has not reached enough members of its segment, or of those that a next one could have; zero
    /// while it does, and while they answer that they have no room (O6).
    /// </summary>
    public TimeSpan CutOffFor =>
        Volatile.Read(ref _cutOffSince) is var since && since != 0 ? _time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Bytes of appends admitted and not answered; 0 at rest (INV-32).</summary>
    public long QueuedBytes => _queue.Bytes;

    /// <summary>Starts the loop of a reign.</summary>
    public static WriterSession Start(SessionServices services, SessionStart start)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(start);
        var session = new WriterSession(services, start);
        session._loop = session.RunAsync(start.Opened);
        return session;
    }

    /// <summary>Appends a batch. Batches of calls made one after another are appended in that order (P6).</summary>
    /// <param name="batch">Its payloads are borrowed until the answer.</param>
    /// <param name="cancellationToken">
    /// Before offsets are assigned it throws and nothing is appended; afterwards the answer is Indeterminate (W8).
    /// </param>
    public ValueTask<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) =>
        TryAppend(batch, cancellationToken, out var answer)
            ? answer
            : new ValueTask<AppendResult>(AppendResult.NotAppended(WriterErrors.SessionEnded()));

    /// <summary>Appends a batch unless the session is over; then another reign must take it.</summary>
    /// <param name="batch">Its payloads are borrowed until the answer.</param>
    /// <param name="cancellationToken">As of <see cref="AppendAsync"/>.</param>
    /// <param name="answer">Awaited once; meaningless if false is returned.</param>
    // hot path: no allocation per entry
    public bool TryAppend(AppendBatch batch, CancellationToken cancellationToken, out ValueTask<AppendResult> answer)
    {
        ArgumentNullException.ThrowIfNull(batch);
        cancellationToken.ThrowIfCancellationRequested();
        var append = _queue.TryAdd(batch, _time.GetTimestamp(), out var isOver);
        if (append is null)
        {
            answer = isOver ? default
                : new ValueTask<AppendResult>(AppendResult.NotAppended(WriterErrors.Overloaded()));
            return !isOver;
        }

        append.ListenTo(cancellationToken);
        answer = append.Task;
        _signal.Raise();
        return true;
    }

    /// <summary>The own live key was made again: the epoch key must name it (Reassert).</summary>
    public void RequestReassert(long liveCreateRevision)
    {
        _segments.RequestReassert(liveCreateRevision);
        _signal.Raise();
    }

    /// <summary>Planned end (O6): sends what waits, seals the open segment, releases the log.</summary>
    public Task CloseAsync(CancellationToken cancellationToken)
    {
        _queue.Close();
        _isClosing = true;
        _signal.Raise();
        return _loop.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Ends the session at once, without sealing: the next reign takes over. Appends in flight become Indeterminate.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _isAborting = true;
        _signal.Raise();
        await _loop;
    }

    /// <inheritdoc/>
    void ISinkListener.OnSinkChanged() => _signal.Raise();

    private async Task RunAsync(Versioned<SegmentValue>? opened)
    {
        try
        {
            // Whoever starts the session does not wait for its first turn.
            await Task.Yield();
            if (opened is not null)
                _segments.Enter(opened);
            while (Turn())
                await _signal.WaitAsync();
        }
        catch (Exception e)
        {
            Log.Defect(_services.Logger, e, _logId);
            End(e.Message, inFlight: null);
        }

        await _segments.DisposeAsync();
        _frames.Clear();
        _timer.Dispose();
    }

    // One look at everything that may have changed; false when the session is over.
    private bool Turn()
    {
        _queue.MoveTo(_waiting);
        if (_isAborting)
            End("the process stops", inFlight: null);
        else if (ObserveSink())
            Advance();
        return !_hasEnded;
    }

    private void Advance()
    {
        BuildFrames();
        _segments.Turn(_waiting.Count > 0, _isClosing);
        if (_segments.Verdict != SessionVerdict.None)
        {
            EndByVerdict();
            return;
        }

        // A segment that was just entered takes what waits at once.
        BuildFrames();
        NoteReach();
        ExpireWaiting();
        ExpireInFlight();
        _timer.Arm(NextDue());
    }

    private void NoteReach()
    {
        var isCutOff = _segments.Open?.Sink is { } sink
            ? sink.State is SinkState.NoQuorum or SinkState.Stuck && !sink.IsStorageFull
            : _segments.OpeningFailure?.Reason == "QuorumUnavailable";
        if (!isCutOff)
            Volatile.Write(ref _cutOffSince, 0);
        else if (_cutOffSince == 0)
            Volatile.Write(ref _cutOffSince, Math.Max(1, _time.GetTimestamp()));
    }

    // W5: nobody hears Ok after death (INV-19). So what counts was confirmed before the look at the state: a sink that is fenced
    // between the two may confirm later ones.
    private bool ObserveSink()
    {
        if (_segments.Open?.Sink is not { } sink)
            return true;
        var confirmed = sink.ConfirmedEntry;
        if (sink.State is SinkState.Fenced or SinkState.Failed)
        {
            Log.Ended(_services.Logger, _logId, _core.Epoch, sink.State.ToString(), sink.StateDetail);
            End(sink.StateDetail, inFlight: null);
            return false;
        }

        if (_core.Confirm(confirmed))
            CompleteConfirmed();
        return true;
    }

    // hot path: no allocation per entry
    private void CompleteConfirmed()
    {
        _frames.Confirm(_core.ConfirmedEntry);
        Volatile.Write(ref _confirmedEnd, (long)_core.ConfirmedEnd.Value);
        while (_core.TryTakeCompleted(out var batch))
        {
            WriterMetrics.OnAcknowledged(batch.Ticket.Batch, Age(batch.Ticket));
            batch.Ticket.Answer(AppendResult.Ok(batch.FirstOffset, batch.Count, _services.Place.Durability));
            _queue.Release(batch.Ticket);
        }
    }

    private void BuildFrames()
    {
        while (CanBuild(_segments.Open))
        {
            var open = _segments.Open!;
            var plan = new FramePlan(
                _window.TargetFrameSize, Math.Max(_settings.Limits.MaxFrameSize, _window.TargetFrameSize));
            if (_builder.Build(_waiting, plan, _frames.LastChain, Microseconds()) is not { } frame)
                continue;
            _segments.LastTimestamp = _builder.LastTimestamp;
            WriterMetrics.OnFrame(frame.Length);
            open.Bytes += frame.Length;
            open.LastUsedAt = _time.GetTimestamp();
            frame.AddReference();
            _frames.Add(frame);
            open.Sink.Send(frame);
        }
    }

    // No timers: an idle log sends at once; a busy one lets a frame grow while others are on their way.
    private bool CanBuild(OpenSegment? open)
    {
        if (open is null || !_waiting.TryPeek(out var oldest) || _segments.HoldsBack)
            return false;
        if (open.Sink.State != SinkState.Ready || !open.Sink.CanSend || _frames.Bytes >= _window.MaxUnconfirmedBytes)
            return false;
        if (_waiting.Bytes >= _window.TargetFrameSize)
            return true;
        return _frames.Count < _window.PipelineDepth
            && (_linger == TimeSpan.Zero || Age(oldest) >= _linger || _isClosing);
    }

    private void ExpireWaiting()
    {
        var unavailable = Unavailability();
        while (_waiting.TryPeek(out var append))
        {
            if (!append.IsAnswered)
            {
                if (unavailable is not null && Age(append) >= _settings.QuorumGrace)
                    append.Answer(AppendResult.NotAppended(unavailable));
                else if (Age(append) >= _settings.AppendTimeout)
                    append.Answer(AppendResult.NotAppended(WriterErrors.TimedOutBeforeSending()));
                else
                    return;
                WriterMetrics.OnFailed(AppendOutcome.NotAppended);
            }

            _queue.Release(_waiting.Take());
        }
    }

    private WoodpeckerException? Unavailability()
    {
        if (_waiting.Count == 0)
            return null;
        if (_segments.Open?.Sink is not { } sink)
            return _segments.OpeningFailure;
        if (_segments.StallReason is { } why)
            return WriterErrors.MetadataUnavailable(why);
        if (sink.State is not (SinkState.NoQuorum or SinkState.Stuck))
            return null;
        return sink.IsStorageFull
            ? WriterErrors.StorageFull(sink.StateDetail)
            : WriterErrors.QuorumUnavailable(sink.StateDetail);
    }

    // The entries stay in flight and may still be confirmed; only their callers stop waiting (W8).
    private void ExpireInFlight()
    {
        if (!_core.TryPeekOldest(out var oldest) || Age(oldest.Ticket) < _settings.AppendTimeout)
            return;
        foreach (var batch in _core.InFlight)
        {
            if (Age(batch.Ticket) < _settings.AppendTimeout)
                return;
            batch.Ticket.Answer(AppendResult.Indeterminate(WriterErrors.TimedOutInFlight()));
        }
    }

    private TimeSpan? NextDue()
    {
        var due = _segments.NextDue(_waiting.Count > 0, _isClosing);
        if (_waiting.TryPeek(out var append))
        {
            var linger = _linger - Age(append);
            due = Earlier(due, linger > TimeSpan.Zero ? linger : _settings.QuorumGrace - Age(append));
            due = Earlier(due, _settings.AppendTimeout - Age(append));
        }

        if (_core.TryPeekOldest(out var oldest) && !oldest.Ticket.IsAnswered)
            due = Earlier(due, _settings.AppendTimeout - Age(oldest.Ticket));
        return due;
    }

    private void EndByVerdict()
    {
        var verdict = _segments.Verdict;
        Log.Ended(_services.Logger, _logId, _core.Epoch, verdict.ToString(), _segments.VerdictDetail);
        AppendResult? inFlight = verdict == SessionVerdict.Released
            ? AppendResult.NotAppended(WriterErrors.SessionEnded()) : null;
        End(_segments.VerdictDetail, inFlight);
    }

    // Dead before any caller is told (W5). Entries in flight are unknown unless a seal below them is known (W7).
    private void End(string why, AppendResult? inFlight)
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        _core.Die();
        _queue.Close();
        _queue.MoveTo(_waiting);
        var answer = inFlight ?? AppendResult.Indeterminate(WriterErrors.Interrupted(why));
        while (_core.TryTakeFailed(out var batch))
        {
            WriterMetrics.OnFailed(answer.Outcome);
            if (!Mutation.Is(KnownMistake.CompletionsLost))
            {
                batch.Ticket.Answer(Mutation.Is(KnownMistake.OkAfterDeath)
                    ? AppendResult.Ok(batch.FirstOffset, batch.Count, _services.Place.Durability) : answer);
            }

            if (!Mutation.Is(KnownMistake.CountersLost))
                _queue.Release(batch.Ticket);
        }

        while (_waiting.Count > 0)
        {
            var append = _waiting.Take();
            append.Answer(AppendResult.NotAppended(WriterErrors.SessionEnded()));
            _queue.Release(append);
        }
    }

    private TimeSpan Age(PendingAppend append) => _time.GetElapsedTime(append.EnqueuedAt);

    private long Microseconds() =>
        (_time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    private static TimeSpan Earlier(TimeSpan? a, TimeSpan b) => a is { } known && known < b ? known : b;

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Error, "The writer session of log {LogId} failed")]
        public static partial void Defect(ILogger logger, Exception exception, LogId logId);

        [LoggerMessage(
            3002, LogLevel.Information, "The writer session of log {LogId}, epoch {Epoch}, ended: {Verdict} {Detail}")]
        public static partial void Ended(ILogger logger, LogId logId, LogEpoch epoch, string verdict, string detail);
    }
}
