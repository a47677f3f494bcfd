using Woodpecker.Storage.Writing;

namespace Woodpecker.Testing.Replicas;

/// <summary>A sink that keeps what it is sent and confirms when the test says so.</summary>
public sealed class ManualSink(SegmentOpening opening, ISinkListener listener) : ISegmentSink
{
    private readonly Lock _gate = new();
    private readonly List<byte[]> _frames = [];
    private EntryId _lastEntry = EntryId.None;
    private EntryId _confirmed = EntryId.None;
    private SinkState _state = SinkState.Ready;

    public SegmentOpening Opening { get; } = opening;

    /// <summary>Whether every frame is confirmed as it comes.</summary>
    public bool ConfirmsAtOnce { get; set; }

    /// <summary>The end told by <see cref="CompleteAsync"/>; null before.</summary>
    public EntryId? CompletedAt { get; private set; }

    public bool IsDisposed { get; private set; }

    public bool CanSend { get; set; } = true;

    public bool WantsRoll { get; set; }

    public long? ConfirmedSlot => null;

    public string StateDetail => "planted";

    public SinkState State
    {
        get
        {
            lock (_gate)
                return _state;
        }
    }

    public EntryId ConfirmedEntry
    {
        get
        {
            lock (_gate)
                return _confirmed;
        }
    }

    /// <summary>Last entry that was sent.</summary>
    public EntryId LastEntry
    {
        get
        {
            lock (_gate)
                return _lastEntry;
        }
    }

    /// <summary>The frames as they came.</summary>
    public IReadOnlyList<byte[]> Frames
    {
        get
        {
            lock (_gate)
                return [.. _frames];
        }
    }

    public void Confirm(EntryId lac)
    {
        lock (_gate)
            _confirmed = lac;
        listener.OnSinkChanged();
    }

    public void Become(SinkState state)
    {
        lock (_gate)
            _state = state;
        listener.OnSinkChanged();
    }

    public void Send(OutgoingFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        lock (_gate)
        {
            Assert.Equal(_lastEntry + 1, frame.FirstEntry);
            _frames.Add(frame.Bytes.ToArray());
            _lastEntry = frame.LastEntry;
            if (ConfirmsAtOnce)
                _confirmed = frame.LastEntry;
        }

        frame.Release();
        listener.OnSinkChanged();
    }

    public ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        CompletedAt = lastEntry;
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }
}
