using System.Collections.Concurrent;
using Woodpecker.Replicas;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// Writes the frames of a segment into a store of this process: the embedded mode, an ensemble of one (section 22).
/// </summary>
/// <remarks>
/// Threads:    the session sends; one loop hands frames to the store; the journal's thread tells what is durable.
/// Durability: confirmed means synced by the one store.
/// </remarks>
internal sealed class JournalSink : ISegmentSink, IReplicaAckSink
{
    // The session asks before it sends, so the queue is bounded by this.
    private const int MaxWaiting = 256;

    private static readonly TimeSpan _fullPause = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentQueue<OutgoingFrame> _frames = new();
    private readonly AsyncSignal _wake = new();
    private readonly SegmentOpening _opening;
    private readonly ReplicaStore _store;
    private readonly ISinkListener _listener;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile string _detail = "";
    private volatile int _state = (int)SinkState.Ready;
    private volatile bool _isFull;
    private int _waiting;
    private long _confirmed = EntryId.None.Value;

    public JournalSink(SegmentOpening opening, ReplicaStore store, ISinkListener listener, TimeProvider time)
    {
        (_opening, _store, _listener, _time) = (opening, store, listener, time);
        _loop = RunAsync();
    }

    public SinkState State => (SinkState)_state;

    public string StateDetail => _detail;

    public bool CanSend => Volatile.Read(ref _waiting) < MaxWaiting;

    public EntryId ConfirmedEntry => new(Volatile.Read(ref _confirmed));

    public long? ConfirmedSlot => null;

    public bool IsStorageFull => _isFull;

    public bool WantsRoll => false;

    public void Send(OutgoingFrame frame)
    {
        Interlocked.Increment(ref _waiting);
        _frames.Enqueue(frame);
        _wake.Raise();
    }

    public void OnDurable(SegmentKey segment, LogEpoch epoch, EntryId durableEntry)
    {
        if (segment != _opening.Key || epoch != _opening.Epoch || durableEntry <= ConfirmedEntry)
            return;
        // With one member durable is confirmed. The store's readers hear of it before the caller does, so that who appended
        // reads what was answered (V1).
        _store.Confirm(_opening.Key, _opening.Epoch, durableEntry);
        Volatile.Write(ref _confirmed, durableEntry.Value);
        _listener.OnSinkChanged();
    }

    public async ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        _store.Confirm(_opening.Key, _opening.Epoch, lastEntry);
        await _store.SealAsync(_opening.Key, _opening.Epoch, lastEntry, chain, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _wake.Raise();
        await _loop;
        _store.Unsubscribe(this);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        await TryAsync(() => _store.OpenSegmentAsync(
            _opening.Key, _opening.Epoch, _opening.Header, this, CancellationToken.None));
        while (true)
        {
            if (_frames.TryDequeue(out var frame))
                await HandOverAsync(frame);
            else if (_stop.IsCancellationRequested)
                return;
            else
                await _wake.WaitAsync();
        }
    }

    private async ValueTask HandOverAsync(OutgoingFrame frame)
    {
        // W2: checked once more before the bytes reach the journal.
        Invariant.Check(frame.IsIntact(), "W2");
        if (State == SinkState.Ready)
        {
            await TryAsync(() => _store.AppendAsync(
                _opening.Key, _opening.Epoch, frame.Bytes, this, CancellationToken.None));
        }

        frame.Release();
        Interlocked.Decrement(ref _waiting);
        _listener.OnSinkChanged();
    }

    // A store without room keeps the session: what waits is refused by name (U8), and what was sent goes on when there is
    // room again.
    private async ValueTask TryAsync(Func<ValueTask<ReplicaRefusal?>> call)
    {
        while (true)
        {
            try
            {
                if (await call() is not { } refusal)
                {
                    if (_isFull)
                        Turn(SinkState.Ready, "", isFull: false);
                    return;
                }

                var detail = $"{refusal.Kind} {refusal.Detail}";
                if (refusal.Kind != ReplicaRefusalKind.StorageFull)
                {
                    Turn(refusal.Kind == ReplicaRefusalKind.Fenced ? SinkState.Fenced : SinkState.Failed, detail, isFull: false);
                    return;
                }

                Turn(SinkState.NoQuorum, detail, isFull: true);
            }
            catch (WoodpeckerException e)
            {
                Turn(SinkState.Failed, e.Message, isFull: false);
                return;
            }

            await Task.Delay(_fullPause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested)
                return;
        }
    }

    private void Turn(SinkState state, string detail, bool isFull)
    {
        _detail = detail;
        _isFull = isFull;
        _state = (int)state;
        _listener.OnSinkChanged();
    }
}
