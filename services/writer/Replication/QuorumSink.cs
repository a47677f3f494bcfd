using Woodpecker.Protocol.Replica;
using Woodpecker.Quorum;
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
/// Rules:      W3, W4, W6, W8, section 10.
/// </remarks>
internal sealed partial class QuorumSink : ISegmentSink
{
    private readonly Lock _gate = new();
    private readonly SegmentOpening _opening;
    private readonly ReplicationSettings _settings;
    private readonly TimeProvider _time;
    private readonly ISinkListener _listener;
    private readonly ILogger _logger;
    private readonly ReplicaPool _pool;
    private readonly AckTracker _acks;
    private readonly FrameRing _ring = new();
    private readonly ReplicaLane[] _lanes;
    private readonly ITimer _lacTimer;
    private readonly AsyncSignal _progress = new();
    private EntryId _limit = new(long.MaxValue - 1);
    private EntryId _framedEntry = EntryId.None;
    private volatile int _state = (int)SinkState.NoQuorum;
    private string _detail = "";
    private bool _isFenced;
    private bool _isClosed;

    public QuorumSink(
        SegmentOpening opening,
        ReplicationSettings settings,
        ReplicaPool pool,
        ISinkListener listener,
        TimeProvider time,
        ILogger logger)
    {
        (_opening, _settings, _pool, _listener, _time, _logger) = (opening, settings, pool, listener, time, logger);
        _acks = new AckTracker(settings.Quorum, [.. opening.Members]);
        _lanes = new ReplicaLane[opening.Members.Count];
        for (var member = 0; member < _lanes.Length; member++)
        {
            var stream = pool.GetStream(opening.Members[member].NodeId);
            _lanes[member] = new ReplicaLane(this, member, opening, _ring, settings.MemberWindowBytes, stream);
        }

        _lacTimer = time.CreateTimer(
            static state => ((QuorumSink)state!).OweLac(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public SinkState State => (SinkState)_state;

    public string StateDetail
    {
        get
        {
            lock (_gate)
                return _detail;
        }
    }

    public bool CanSend
    {
        get
        {
            lock (_gate)
                return !_isClosed && _ring.Bytes < 2 * _settings.MaxResendBytes;
        }
    }

    public EntryId ConfirmedEntry
    {
        get
        {
            lock (_gate)
                return _acks.ConfirmedEntry;
        }
    }

    public long? ConfirmedSlot => null;

    public bool WantsRoll
    {
        get
        {
            lock (_gate)
            {
                foreach (var lane in _lanes)
                {
                    if (!lane.IsIn && lane.HasRecovered)
                        return true;
                }

                return false;
            }
        }
    }

    /// <summary>Lets the streams know the lanes; separate from construction, which starts nothing.</summary>
    public void Start()
    {
        foreach (var lane in _lanes)
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

            _ring.Add(frame, _time.GetTimestamp());
            _framedEntry = frame.LastEntry;
        }

        foreach (var lane in _lanes)
            lane.Stream.MarkReady(lane);
    }

    /// <summary>The next message for a lane's stream.</summary>
    public SessionRequest? TryTake(ReplicaLane lane, out OutgoingFrame? frame)
    {
        lock (_gate)
        {
            frame = null;
            return _isClosed ? null : lane.TryTake(_limit, _acks.ConfirmedEntry, out frame);
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
            if (!lane.IsIn)
            {
                lane.HasRecovered = true;
            }
            else if (replica != lane.Replica)
            {
                SitOut(lane, LaneState.Refused, $"another store answers: {replica}");
                lane.HasRecovered = true;
            }
            else if (status is not null && status.Promised > _opening.Epoch.Value)
            {
                Fence(replica, status.Promised);
            }
            else
            {
                Resume(lane, replica, status);
            }
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
            if (_isClosed || durableEntry > _framedEntry)
                return;
            rose = _acks.OnAck(lane.Member, replica, durableEntry);
            lane.OnAck(durableEntry);
            if (!lane.IsIn)
                lane.HasRecovered |= !lane.OwesAck;
            Trim();
            if (rose && _acks.ConfirmedEntry == _framedEntry)
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
            if (_isClosed || !lane.IsIn)
                return;
            switch (refusal.Kind)
            {
                case RefusalKind.Fenced:
                    Fence(replica, refusal.Promised);
                    break;
                case RefusalKind.Gap:
                    if (!lane.OnGap(new EntryId(refusal.ExpectedEntry), refusal.HeaderMissing))
                        SitOut(lane, LaneState.Lagging, $"it lacks entry {refusal.ExpectedEntry}, which is no longer kept");
                    break;
                case RefusalKind.StorageFull or RefusalKind.Unavailable:
                    lane.State = LaneState.Paused;
                    lane.RetryAt = _time.GetTimestamp() + (long)(_settings.RefusalPause.TotalSeconds * _time.TimestampFrequency);
                    break;
                default:
                    SitOut(lane, LaneState.Refused, $"{refusal.Kind} {refusal.Message}");
                    break;
            }
        }

        lane.Stream.MarkReady(lane);
        Changed();
    }

    /// <summary>Looks at everything that time decides.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            foreach (var lane in _lanes)
                TickLane(lane);
            Trim();
        }

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
        foreach (var lane in _lanes)
            lane.Stream.Unregister(lane);
        lock (_gate)
        {
            _isClosed = true;
            _ring.Clear();
        }

        await _lacTimer.DisposeAsync();
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
                var isDone = true;
                foreach (var lane in _lanes)
                    isDone &= !lane.IsIn || !lane.Stream.IsConnected || _acks.DurableAt(lane.Member) >= _limit;
                if (isDone)
                    return;
            }

            await _progress.WaitAsync();
        }
    }

    private void Resume(ReplicaLane lane, ReplicaId replica, SegmentStatus? status)
    {
        var durable = status is { Known: true } ? new EntryId(status.DurableLast) : EntryId.None;
        if (durable > _framedEntry)
        {
            SitOut(lane, LaneState.Refused, $"it holds entry {durable}, which this writer never sent");
            return;
        }

        if (status is null)
            durable = _acks.DurableAt(lane.Member);
        else
            _acks.OnAck(lane.Member, replica, durable);
        lane.State = LaneState.In;
        if (!lane.Restart(durable))
            SitOut(lane, LaneState.Lagging, $"it ends at entry {durable}, and what follows is no longer kept");
        Trim();
    }

    // Frames are dropped once every member that takes part has them; un-confirmed ones are kept for all.
    private void Trim()
    {
        var needed = _ring.End;
        foreach (var lane in _lanes)
        {
            if (lane.IsIn)
                needed = Math.Min(needed, lane.Acked);
        }

        while (needed > _ring.First && _ring[needed - 1].LastEntry > _acks.ConfirmedEntry)
            needed--;
        _ring.DropBefore(needed);
    }

    private void TickLane(ReplicaLane lane)
    {
        if (lane.State == LaneState.Paused && _time.GetTimestamp() >= lane.RetryAt)
        {
            lane.State = LaneState.In;
            lane.Rewind();
            lane.Stream.MarkReady(lane);
        }

        if (!lane.IsIn || lane.Acked >= _ring.End || lane.Acked < _ring.First || CountIn() <= _settings.Quorum.AckQuorum)
            return;
        // W3: only confirmed frames can be given up, so the others can go on without this member.
        var oldest = _ring[lane.Acked];
        if (oldest.LastEntry > _acks.ConfirmedEntry)
            return;
        if (_ring.Bytes > _settings.MaxResendBytes || _time.GetElapsedTime(_ring.AddedAt(lane.Acked)) > _settings.LagTimeout)
            SitOut(lane, LaneState.Lagging, "it is too far behind");
    }

    private void SitOut(ReplicaLane lane, LaneState state, string why)
    {
        lane.State = state;
        Log.SatOut(_logger, _opening.Key, lane.Replica.NodeId, state, why);
    }

    private void Fence(ReplicaId by, ulong promised)
    {
        _isFenced = true;
        _detail = $"{by.NodeId} promised epoch {promised}";
    }

    private int CountIn()
    {
        var count = 0;
        foreach (var lane in _lanes)
            count += lane.IsIn ? 1 : 0;
        return count;
    }

    private void Changed()
    {
        bool changed;
        lock (_gate)
        {
            var state = Judge();
            changed = (int)state != _state;
            _state = (int)state;
        }

        if (changed)
            _listener.OnSinkChanged();
        _progress.Raise();
    }

    private SinkState Judge()
    {
        if (_isFenced)
            return SinkState.Fenced;
        var able = 0;
        foreach (var lane in _lanes)
            able += IsAble(lane) ? 1 : 0;
        if (able >= _settings.Quorum.AckQuorum)
        {
            _detail = "";
            return SinkState.Ready;
        }

        _detail = Describe();
        return CountIn() < _settings.Quorum.AckQuorum ? SinkState.Stuck : SinkState.NoQuorum;
    }

    private bool IsAble(ReplicaLane lane) =>
        lane.State == LaneState.In && lane.Stream.IsConnected && !lane.IsProving && !IsStalled(lane);

    private bool IsStalled(ReplicaLane lane) =>
        lane.OwesAck && lane.Acked >= _ring.First && lane.Acked < _ring.End
        && _time.GetElapsedTime(_ring.AddedAt(lane.Acked)) > _settings.StallTimeout;

    private string Describe()
    {
        var parts = new string[_lanes.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            var lane = _lanes[i];
            var how = lane.State != LaneState.In ? lane.State.ToString()
                : !lane.Stream.IsConnected ? "not connected"
                : lane.IsProving ? "refused frames"
                : IsStalled(lane) ? "does not answer" : "ok";
            parts[i] = $"{lane.Replica.NodeId} {how}";
        }

        return string.Join(", ", parts);
    }

    private void OweLac()
    {
        lock (_gate)
        {
            foreach (var lane in _lanes)
                lane.OwesLac = true;
        }

        foreach (var lane in _lanes)
            lane.Stream.MarkReady(lane);
    }

    private static partial class Log
    {
        [LoggerMessage(3301, LogLevel.Warning, "Member {NodeId} of segment {Segment} sits out ({State}): {Reason}")]
        public static partial void SatOut(ILogger logger, SegmentKey segment, string nodeId, LaneState state, string reason);
    }
}
