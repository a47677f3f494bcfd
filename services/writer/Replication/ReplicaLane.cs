using Google.Protobuf;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// One member's way through one segment: what it was sent, what it acknowledged, what it gets next. The stream asks it
/// for
/// messages; the sink decides about it.
/// </summary>
/// <remarks>Threads: all members guarded by the sink's lock, except the immutable ones.</remarks>
internal sealed class ReplicaLane
{
    private readonly SegmentOpening _opening;
    private readonly FrameRing _ring;
    private readonly long _windowBytes;
    private readonly ReplicaIdentity _target;
    private bool _needsOpen = true;
    private bool _isResyncing;
    private long _next;
    private long _unackedBytes;
    private EntryId _lacSent = EntryId.None;

    public ReplicaLane(
        QuorumSink sink, int member, SegmentOpening opening, FrameRing ring, long windowBytes, ReplicaStream stream)
    {
        Sink = sink;
        Member = member;
        Stream = stream;
        _opening = opening;
        _ring = ring;
        _windowBytes = windowBytes;
        _target = IdentityMapping.ToWire(opening.Members[member]);
    }

    public QuorumSink Sink { get; }

    public int Member { get; }

    public ReplicaStream Stream { get; }

    public ReplicaId Replica => _opening.Members[Member];

    public SegmentKey Segment => _opening.Key;

    public LaneState State { get; set; }

    /// <summary>Number of the first frame not acknowledged.</summary>
    public long Acked { get; private set; }

    /// <summary>Whether frames or the opening are sent and not acknowledged.</summary>
    public bool OwesAck => Acked < _next;

    /// <summary>When a paused lane is tried again.</summary>
    public long RetryAt { get; set; }

    /// <summary>Whether its last refusal was for lack of room; until it takes frames again.</summary>
    public bool IsFull { get; set; }

    /// <summary>Whether the member works again after it sat out: the next segment could have it.</summary>
    public bool HasRecovered { get; set; }

    /// <summary>Whether the member has yet to show that it takes frames again after it refused them.</summary>
    public bool IsProving { get; private set; }

    /// <summary>Whether an explicit LAC waits to be sent.</summary>
    public bool OwesLac { get; set; }

    /// <summary>Since when it takes no frames; null while it does.</summary>
    public long? AwaySince { get; set; }

    /// <summary>Highest LAC that the member is known to know.</summary>
    public EntryId LacKnown { get; private set; } = EntryId.None;

    public bool IsIn => State is LaneState.In or LaneState.Paused;

    public bool IsAt(long end) => Acked >= end;

    /// <summary>The next message for the member, if it may have one.</summary>
    /// <param name="limit">Frames behind this entry are not sent any more.</param>
    /// <param name="confirmed">The LAC now.</param>
    /// <param name="frame">The frame in the message, with a reference for the caller.</param>
    public SessionRequest? TryTake(EntryId limit, EntryId confirmed, out OutgoingFrame? frame)
    {
        frame = null;
        if (State != LaneState.In)
            return null;
        if (_needsOpen)
        {
            _needsOpen = false;
            return new SessionRequest { SegmentOpen = Open() };
        }

        if (_next < _ring.End && _unackedBytes < _windowBytes && _ring[_next].LastEntry <= limit)
        {
            frame = _ring[_next];
            if (!Mutation.Is(KnownMistake.FrameFreedEarly))
                frame.AddReference();
            _next++;
            _unackedBytes += frame.Length;
            _lacSent = EntryId.Max(_lacSent, frame.Header.Lac);
            return new SessionRequest { Append = Append(frame) };
        }

        if (OwesLac && _lacSent < confirmed)
        {
            OwesLac = false;
            _lacSent = confirmed;
            return new SessionRequest { Lac = Lac(confirmed) };
        }

        return null;
    }

    /// <summary>Everything up to the entry is durable there.</summary>
    public void OnAck(EntryId durableEntry)
    {
        _isResyncing = false;
        IsProving = false;
        IsFull = false;
        while (Acked < _next && Acked < _ring.End && (Acked < _ring.First || _ring[Acked].LastEntry <= durableEntry))
        {
            if (Acked >= _ring.First)
            {
                _unackedBytes -= _ring[Acked].Length;
                OnLacKnown(_ring[Acked].Header.Lac);
            }

            Acked++;
        }
    }

    /// <summary>The member told a LAC, or holds a frame that carries it.</summary>
    public void OnLacKnown(EntryId lac) => LacKnown = EntryId.Max(LacKnown, lac);

    /// <summary>The LAC is to be told although it was sent before.</summary>
    public void OweLacAgain()
    {
        OwesLac = true;
        _lacSent = EntryId.None;
    }

    /// <summary>A new stream: the header again, then frames from where the member stands.</summary>
    /// <returns>False if what it lacks is no longer kept.</returns>
    public bool Restart(EntryId durableEntry)
    {
        _needsOpen = true;
        OweLacAgain();
        LacKnown = EntryId.None;
        return MoveTo(durableEntry + 1);
    }

    /// <summary>
    /// The member misses an entry that was to be there: back to it. Refusals that follow from the same gap are ignored.
    /// </summary>
    /// <returns>False if what it lacks is no longer kept.</returns>
    public bool OnGap(EntryId expected, bool headerMissing)
    {
        if (_isResyncing)
            return true;
        _isResyncing = true;
        _needsOpen |= headerMissing;
        return MoveTo(headerMissing ? new EntryId(0) : expected);
    }

    /// <summary>
    /// Back to the first frame that was not acknowledged; the header goes first, so that there is an answer.
    /// </summary>
    public void Rewind()
    {
        _needsOpen = true;
        IsProving = true;
        _next = Math.Max(Acked, _ring.First);
        _unackedBytes = 0;
        _isResyncing = false;
    }

    private bool MoveTo(EntryId entry)
    {
        if (!_ring.TryFind(entry, out var number))
            return false;
        // A member that lost nothing stands at or after what it acknowledged.
        Acked = number;
        _next = number;
        _unackedBytes = 0;
        return true;
    }

    private SegmentOpen Open() => new()
    {
        LogId = _opening.Key.Log.Value,
        SegmentId = _opening.Key.Segment.Value,
        Epoch = _opening.Epoch.Value,
        Target = _target,
        Header = UnsafeByteOperations.UnsafeWrap(_opening.Header),
    };

    private AppendFrame Append(OutgoingFrame frame) => new()
    {
        LogId = _opening.Key.Log.Value,
        SegmentId = _opening.Key.Segment.Value,
        Epoch = _opening.Epoch.Value,
        Frame = UnsafeByteOperations.UnsafeWrap(frame.Bytes),
        TraceParent = frame.TraceParent ?? "",
    };

    private Lac Lac(EntryId confirmed) => new()
    {
        LogId = _opening.Key.Log.Value,
        SegmentId = _opening.Key.Segment.Value,
        Epoch = _opening.Epoch.Value,
        Lac_ = confirmed.Value,
    };
}
