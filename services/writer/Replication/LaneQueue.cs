using Woodpecker.Protocol.Replica;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>The lanes of one stream: whom an answer is for, and who has something to send, in turns.</summary>
/// <remarks>Threads: any; a short lock, never held while a sink is called.</remarks>
internal sealed class LaneQueue
{
    private readonly Lock _gate = new();
    private readonly HashSet<ReplicaLane> _lanes = [];
    private readonly Dictionary<SegmentKey, ReplicaLane> _bySegment = [];
    private readonly Queue<ReplicaLane> _ready = new();
    private readonly HashSet<ReplicaLane> _isReady = [];

    /// <summary>All lanes now.</summary>
    public List<ReplicaLane> List()
    {
        lock (_gate)
            return [.. _lanes];
    }

    public void Add(ReplicaLane lane)
    {
        lock (_gate)
        {
            _lanes.Add(lane);
            _bySegment[lane.Segment] = lane;
        }
    }

    public void Remove(ReplicaLane lane)
    {
        lock (_gate)
        {
            _lanes.Remove(lane);
            if (_bySegment.GetValueOrDefault(lane.Segment) == lane)
                _bySegment.Remove(lane.Segment);
        }
    }

    /// <summary>The lane that an answer about a segment is for.</summary>
    public ReplicaLane? Find(ulong logId, ulong segmentId)
    {
        lock (_gate)
            return _bySegment.GetValueOrDefault(new SegmentKey(new LogId(logId), new SegmentId(segmentId)));
    }

    /// <summary>The lane may have something to send. False if that is known already.</summary>
    public bool MarkReady(ReplicaLane lane)
    {
        lock (_gate)
        {
            if (!_isReady.Add(lane))
                return false;
            _ready.Enqueue(lane);
            return true;
        }
    }

    /// <summary>A new stream begins: readiness for the old one means nothing.</summary>
    public void ForgetReady()
    {
        lock (_gate)
        {
            _ready.Clear();
            _isReady.Clear();
        }
    }

    /// <summary>The next message: one per lane and turn, so that a busy log does not starve the others.</summary>
    /// <param name="message">The message.</param>
    /// <param name="frame">The frame in it, with a reference for the caller.</param>
    public bool TryTakeMessage(out SessionRequest message, out OutgoingFrame? frame)
    {
        while (TryTakeReady(out var lane))
        {
            if (lane.Sink.TryTake(lane, out frame) is { } taken)
            {
                MarkReady(lane);
                message = taken;
                return true;
            }
        }

        (message, frame) = (null!, null);
        return false;
    }

    private bool TryTakeReady(out ReplicaLane lane)
    {
        lock (_gate)
        {
            if (!_ready.TryDequeue(out lane!))
                return false;
            _isReady.Remove(lane);
            return true;
        }
    }
}
