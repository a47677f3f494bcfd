using Woodpecker.Protocol.Replica;
using Woodpecker.Quorum;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// The members of one segment and the frames they may still need: who takes part, who sits out, what is confirmed.
/// Decides;
/// telling and sending are the sink's.
/// </summary>
/// <remarks>Threads: guarded by the sink's lock. Rules: W3, W4, R1, R10, section 10.</remarks>
internal sealed partial class SegmentLanes
{
    private readonly SegmentOpening _opening;
    private readonly ReplicationSettings _settings;
    private readonly ReplicaPool _pool;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AckTracker _acks;
    private readonly FrameRing _ring = new();
    private readonly ReplicaLane[] _lanes;
    private EntryId _framedEntry = EntryId.None;
    private string _fencedBy = "";

    public SegmentLanes(
        SegmentOpening opening,
        ReplicationSettings settings,
        QuorumSink sink,
        ReplicaPool pool,
        TimeProvider time,
        ILogger logger)
    {
        (_opening, _settings, _pool, _time, _logger) = (opening, settings, pool, time, logger);
        _acks = new AckTracker(settings.Quorum, [.. opening.Members]);
        _lanes = new ReplicaLane[opening.Members.Count];
        for (var member = 0; member < _lanes.Length; member++)
        {
            var nodeId = opening.Members[member].NodeId;
            _lanes[member] = new ReplicaLane(
                sink, member, opening, _ring, settings.MemberWindowBytes, pool.GetStream(nodeId));
            if (pool.IsDraining(nodeId))
                _lanes[member].State = LaneState.Draining;
        }
    }

    /// <summary>The lanes, by member.</summary>
    public ReadOnlySpan<ReplicaLane> All => _lanes;

    /// <summary>The segment's LAC.</summary>
    public EntryId ConfirmedEntry => _acks.ConfirmedEntry;

    /// <summary>Last entry that was sent.</summary>
    public EntryId FramedEntry => _framedEntry;

    /// <summary>Bytes kept for members that are behind.</summary>
    public long KeptBytes => _ring.Bytes;

    /// <summary>Why the segment is not Ready, for people.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>
    /// Whether the next segment could have better members (section 10): one that sat out works again, a spare node can
    /// stand in for one that does not work, or a member is to give its copies away.
    /// </summary>
    public bool WantsRoll()
    {
        var isFailing = false;
        foreach (var lane in _lanes)
        {
            if (!lane.IsIn && lane.HasRecovered && lane.Stream.IsConnected)
                return true;
            if (lane.IsIn && _pool.IsDraining(lane.Replica.NodeId) && _pool.CanSpareDraining())
                return true;
            isFailing |= IsFailing(lane);
        }

        return isFailing && _pool.HasSpare(_opening.Members);
    }

    /// <summary>Keeps a frame for all members; takes over one reference.</summary>
    public void Add(OutgoingFrame frame)
    {
        _ring.Add(frame, _time.GetTimestamp());
        _framedEntry = frame.LastEntry;
    }

    /// <summary>A member's stream connected.</summary>
    public void OnConnected(ReplicaLane lane, ReplicaId replica, SegmentStatus? status)
    {
        if (lane.State == LaneState.Draining)
        {
            return;
        }

        if (!lane.IsIn)
        {
            lane.HasRecovered = true;
        }
        else if (replica != lane.Replica && !Mutation.Is(KnownMistake.IncarnationIgnored))
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

    /// <summary>A cumulative acknowledgement.</summary>
    /// <returns>Whether the LAC rose.</returns>
    public bool OnAck(ReplicaLane lane, ReplicaId replica, EntryId durableEntry)
    {
        if (durableEntry > _framedEntry)
            return false;
        var rose = _acks.OnAck(lane.Member, replica, durableEntry);
        lane.OnAck(durableEntry);
        if (!lane.IsIn)
            lane.HasRecovered |= !lane.OwesAck;
        Trim();
        return rose;
    }

    /// <summary>A typed refusal.</summary>
    public void OnRefusal(ReplicaLane lane, ReplicaId replica, Refusal refusal)
    {
        if (!lane.IsIn)
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
                lane.IsFull = refusal.Kind == RefusalKind.StorageFull;
                lane.RetryAt = _time.GetTimestamp()
                    + (long)(_settings.RefusalPause.TotalSeconds * _time.TimestampFrequency);
                break;
            default:
                SitOut(lane, LaneState.Refused, $"{refusal.Kind} {refusal.Message}");
                break;
        }
    }

    /// <summary>Whether the members that have no room would make a quorum with those that can (U8).</summary>
    public bool IsStorageFull
    {
        get
        {
            var able = 0;
            var full = 0;
            foreach (var lane in _lanes)
            {
                able += IsAble(lane) ? 1 : 0;
                // Tried again meanwhile, it stays full until it takes something.
                full += lane.IsIn && lane.IsFull && lane.Stream.IsConnected && !IsAble(lane) ? 1 : 0;
            }

            return full > 0 && able < _settings.Quorum.AckQuorum && able + full >= _settings.Quorum.AckQuorum;
        }
    }

    /// <summary>A member told which LAC it knows.</summary>
    public static void OnLacAck(ReplicaLane lane, EntryId known) => lane.OnLacKnown(known);

    /// <summary>Looks at everything that time decides.</summary>
    public void Tick()
    {
        foreach (var lane in _lanes)
        {
            TickLane(lane);
            TickHealth(lane);
        }

        Trim();
    }

    /// <summary>What the segment can do now.</summary>
    public SinkState Judge()
    {
        if (_fencedBy.Length > 0)
        {
            Detail = _fencedBy;
            return SinkState.Fenced;
        }

        var able = 0;
        var isIn = 0;
        var recovered = 0;
        foreach (var lane in _lanes)
        {
            able += IsAble(lane) ? 1 : 0;
            isIn += lane.IsIn ? 1 : 0;
            recovered += !lane.IsIn && lane.HasRecovered && lane.Stream.IsConnected ? 1 : 0;
        }

        Detail = able >= _settings.Quorum.AckQuorum ? "" : Describe();
        if (able >= _settings.Quorum.AckQuorum)
            return SinkState.Ready;
        // A member that sat out and works again makes a quorum with the rest, but only in a next segment (section 10).
        var helpsToRoll = recovered > 0 && able + recovered >= _settings.Quorum.AckQuorum;
        return isIn < _settings.Quorum.AckQuorum || helpsToRoll ? SinkState.Stuck : SinkState.NoQuorum;
    }

    /// <summary>Whether every member that takes part and answers holds everything up to the entry.</summary>
    public bool AreCaughtUp(EntryId lastEntry)
    {
        foreach (var lane in _lanes)
        {
            if (lane.IsIn && lane.Stream.IsConnected && _acks.DurableAt(lane.Member) < lastEntry)
                return false;
        }

        return true;
    }

    /// <summary>
    /// An idle segment's LAC is told again to live members that did not confirm it (W6).
    /// </summary>
    /// <returns>Whether there is something to send.</returns>
    public bool RepeatLac()
    {
        var owes = false;
        if (ConfirmedEntry != _framedEntry || ConfirmedEntry.IsNone)
            return false;
        foreach (var lane in _lanes)
        {
            if (lane.State != LaneState.In || !lane.Stream.IsConnected || lane.LacKnown >= ConfirmedEntry)
                continue;
            lane.OweLacAgain();
            owes = true;
        }

        return owes;
    }

    /// <summary>The LAC has to be told to all members.</summary>
    public void OweLac()
    {
        foreach (var lane in _lanes)
            lane.OwesLac = true;
    }

    /// <summary>Lets go of all frames.</summary>
    public void Clear() => _ring.Clear();

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

        if (!lane.IsIn || lane.Acked >= _ring.End || lane.Acked < _ring.First
            || CountIn() <= _settings.Quorum.AckQuorum)
            return;
        // W3: only confirmed frames can be given up, so the others can go on without this member.
        if (_ring[lane.Acked].LastEntry > _acks.ConfirmedEntry)
            return;
        if (_ring.Bytes > _settings.MaxResendBytes
            || _time.GetElapsedTime(_ring.AddedAt(lane.Acked)) > _settings.LagTimeout)
            SitOut(lane, LaneState.Lagging, "it is too far behind");
    }

    private void TickHealth(ReplicaLane lane)
    {
        if (lane.State == LaneState.Draining)
        {
            lane.HasRecovered = !_pool.IsDraining(lane.Replica.NodeId);
            return;
        }

        if (lane.IsIn && IsAble(lane))
            lane.AwaySince = null;
        else
            lane.AwaySince ??= _time.GetTimestamp();
        if (IsFailing(lane) && !lane.HasRecovered)
            _pool.OnPoor(lane.Replica.NodeId);
    }

    private bool IsFailing(ReplicaLane lane) => lane.State is LaneState.Lagging or LaneState.Refused
        || (lane.IsIn && lane.AwaySince is { } since && _time.GetElapsedTime(since) >= _settings.ReplaceAfter);

    private void SitOut(ReplicaLane lane, LaneState state, string why)
    {
        lane.State = state;
        Log.SatOut(_logger, _opening.Key, lane.Replica.NodeId, state, why);
    }

    private void Fence(ReplicaId by, ulong promised) => _fencedBy = $"{by.NodeId} promised epoch {promised}";

    private int CountIn()
    {
        var count = 0;
        foreach (var lane in _lanes)
            count += lane.IsIn ? 1 : 0;
        return count;
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
            var how = lane.State == LaneState.Paused && lane.IsFull ? "has no room"
                : lane.State != LaneState.In ? lane.State.ToString()
                : !lane.Stream.IsConnected ? "not connected"
                : lane.IsProving ? "refused frames"
                : IsStalled(lane) ? "does not answer" : "ok";
            parts[i] = $"{lane.Replica.NodeId} {how}";
        }

        return string.Join(", ", parts);
    }

    private static partial class Log
    {
        [LoggerMessage(3301, LogLevel.Warning, "Member {NodeId} of segment {Segment} sits out ({State}): {Reason}")]
        public static partial void SatOut(
            ILogger logger, SegmentKey segment, string nodeId, LaneState state, string reason);
    }
}
