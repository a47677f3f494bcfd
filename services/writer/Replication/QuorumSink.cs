using Woodpecker.Protocol.Replica;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// Replicates the frames of one segment to its ensemble; an entry is confirmed when Qa distinct members hold it. Every
/// member has its own window and pace; a slow one is dropped from the segment instead of being waited for (W3).
/// </summary>
/// <remarks>
/// Threads:    the session sends; streams take messages and bring answers; all state is under one lock, never held over
///             an await, and the listener is called outside it.
/// Durability: confirmed means Qa stores answered after their sync (R4, INV-9, INV-20).
/// Rules:      W3, W4, W6, W8, section 10; the decisions are in <see cref="SegmentLanes"/>.
/// </remarks>
internal sealed class QuorumSink : ISegmentSink
{
    private readonly Lock _gate = new();
    private readonly SegmentOpening _opening;
    private readonly ReplicationSettings _settings;
    private readonly TimeProvider _time;
    private readonly ISinkListener _listener;
    private readonly ReplicaPool _pool;
    private readonly SegmentLanes _lanes;
    private readonly ITimer _lacTimer;
    private readonly AsyncSignal _progress = new();
    private EntryId _limit = new(long.MaxValue - 1);
    private volatile int _state = (int)SinkState.NoQuorum;
    private volatile bool _wantsRoll;
    private bool _isClosed;

    public QuorumSink(
        SegmentOpening opening,
        ReplicationSettings settings,
        ReplicaPool pool,
        ISinkListener listener,
        TimeProvider time,
        ILogger logger)
    {
        (_opening, _settings, _pool, _listener, _time) = (opening, settings, pool, listener, time);
        _lanes = new SegmentLanes(opening, settings, this, pool, time, logger);
        _lacTimer = time.CreateTimer(
            static state => ((QuorumSink)state!).OweLac(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public SinkState State => (SinkState)_state;

    public string StateDetail
    {
        get
        {
            lock (_gate)
                return _lanes.Detail;
        }
    }

    public bool IsStorageFull
    {
        get
        {
            lock (_gate)
                return _lanes.IsStorageFull;
        }
    }

    public bool CanSend
    {
        get
        {
            lock (_gate)
                return !_isClosed && _lanes.KeptBytes < 2 * _settings.MaxResendBytes;
        }
    }

    public EntryId ConfirmedEntry
    {
        get
        {
            lock (_gate)
                return _lanes.ConfirmedEntry;
        }
    }

    public long? ConfirmedSlot => null;

    public bool WantsRoll => _wantsRoll;

    /// <summary>Lets the streams know the lanes; separate from construction, which starts nothing.</summary>
    public void Start()
    {
        foreach (var lane in _lanes.All)
            lane.Stream.Register(lane);
        _pool.Register(this);
        Tick();
    }

    public void Send(OutgoingFrame frame)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                frame.Release();
                return;
            }

            _lanes.Add(frame);
        }

        MarkAllReady();
    }

    /// <summary>The next message for a lane's stream.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="frame">The frame in the message, with a reference for the caller.</param>
    public SessionRequest? TryTake(ReplicaLane lane, out OutgoingFrame? frame)
    {
        lock (_gate)
        {
            frame = null;
            return _isClosed ? null : lane.TryTake(_limit, _lanes.ConfirmedEntry, out frame);
        }
    }

    /// <summary>The lane's stream connected to a store.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="replica">Who answers at the node.</param>
    /// <param name="status">What it knows of the segment; null if it was not asked.</param>
    public void OnConnected(ReplicaLane lane, ReplicaId replica, SegmentStatus? status)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _lanes.OnConnected(lane, replica, status);
        }

        lane.Stream.MarkReady(lane);
        Changed();
    }

    /// <summary>A cumulative acknowledgement.</summary>
    public void OnAck(ReplicaLane lane, ReplicaId replica, EntryId durableEntry)
    {
        bool rose;
        lock (_gate)
        {
            if (_isClosed)
                return;
            rose = _lanes.OnAck(lane, replica, durableEntry);
            // Nothing follows that would carry the LAC: it is told by itself, soon (W6).
            if (rose && _lanes.ConfirmedEntry == _lanes.FramedEntry)
                _lacTimer.Change(_settings.LacDelay, Timeout.InfiniteTimeSpan);
        }

        lane.Stream.MarkReady(lane);
        if (rose)
            _listener.OnSinkChanged();
        if (State == SinkState.Ready)
            _progress.Raise();
        else
            Changed();
    }

    /// <summary>A typed refusal.</summary>
    public void OnRefusal(ReplicaLane lane, ReplicaId replica, Refusal refusal)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _lanes.OnRefusal(lane, replica, refusal);
        }

        lane.Stream.MarkReady(lane);
        Changed();
    }

    /// <summary>A member answered an explicit LAC.</summary>
    public void OnLacAck(ReplicaLane lane, EntryId known)
    {
        lock (_gate)
        {
            if (!_isClosed)
                SegmentLanes.OnLacAck(lane, known);
        }
    }

    /// <summary>Looks at everything that time decides.</summary>
    public void Tick()
    {
        bool owesLac;
        lock (_gate)
        {
            if (_isClosed)
                return;
            _lanes.Tick();
            owesLac = _lanes.RepeatLac();
        }

        if (owesLac)
            MarkAllReady();
        Changed();
    }

    public async ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        lock (_gate)
            _limit = lastEntry;
        await CatchUpAsync(cancellationToken);
        await using var ensemble = _pool.OpenEnsemble(_opening.Key, _opening.Members);
        await EnsembleRecovery.SealMembersAsync(ensemble, _opening.Epoch, lastEntry, chain, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _pool.Unregister(this);
        Unregister();
        lock (_gate)
        {
            _isClosed = true;
            _lanes.Clear();
        }

        await _lacTimer.DisposeAsync();
    }

    private void Unregister()
    {
        foreach (var lane in _lanes.All)
            lane.Stream.Unregister(lane);
    }

    // A third copy is cheap now and makes the loss of a store harmless; but nobody waits for it longer than a while.
    private async ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        await using var alarm = _time.CreateTimer(
            static state => ((AsyncSignal)state!).Raise(), _progress, _settings.Tick, _settings.Tick);
        var started = _time.GetTimestamp();
        while (_time.GetElapsedTime(started) < _settings.CatchUp && !cancellationToken.IsCancellationRequested)
        {
            lock (_gate)
            {
                if (_lanes.AreCaughtUp(_limit))
                    return;
            }

            await _progress.WaitAsync();
        }
    }

    private void Changed()
    {
        bool changed;
        lock (_gate)
        {
            var state = (int)_lanes.Judge();
            var wantsRoll = _lanes.WantsRoll();
            changed = state != _state || wantsRoll != _wantsRoll;
            _wantsRoll = wantsRoll;
            _state = state;
        }

        if (changed)
            _listener.OnSinkChanged();
        _progress.Raise();
    }

    private void OweLac()
    {
        lock (_gate)
            _lanes.OweLac();
        MarkAllReady();
    }

    private void MarkAllReady()
    {
        foreach (var lane in _lanes.All)
            lane.Stream.MarkReady(lane);
    }
}
