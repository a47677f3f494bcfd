using System.Threading.Channels;
using Woodpecker.Replicas;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Writing;

/// <summary>Writes the frames of a segment into a journal of this process: the embedded mode, an ensemble of one (section 22).</summary>
/// <remarks>
/// Threads:    the session sends; one loop takes the answers in the order of the journal.
/// Durability: confirmed means synced by the one store.
/// </remarks>
internal sealed class JournalSink : ISegmentSink
{
    private const int MaxPending = 1_024;

    private readonly Channel<(ValueTask<ReplicaAnswer> Answer, OutgoingFrame? Frame)> _pending =
        Channel.CreateBounded<(ValueTask<ReplicaAnswer>, OutgoingFrame?)>(
            new BoundedChannelOptions(MaxPending) { SingleReader = true, SingleWriter = true });

    private readonly SegmentOpening _opening;
    private readonly IReplicaStore _store;
    private readonly ISinkListener _listener;
    private readonly Task _loop;
    private volatile int _state = (int)SinkState.Ready;
    private volatile string _detail = "";
    private int _inFlight;
    private long _confirmed = EntryId.None.Value;

    public JournalSink(SegmentOpening opening, IReplicaStore store, ISinkListener listener)
    {
        (_opening, _store, _listener) = (opening, store, listener);
        var opened = store.OpenSegmentAsync(opening.Epoch, opening.Members[0].Generation, opening.Header, CancellationToken.None);
        _pending.Writer.TryWrite((opened, null));
        _inFlight = 1;
        _loop = TakeAnswersAsync();
    }

    public SinkState State => (SinkState)_state;

    public string StateDetail => _detail;

    public bool CanSend => Volatile.Read(ref _inFlight) < MaxPending;

    public EntryId ConfirmedEntry => new(Volatile.Read(ref _confirmed));

    public long? ConfirmedSlot => null;

    public bool WantsRoll => false;

    public void Send(OutgoingFrame frame)
    {
        // W2: checked once more before the bytes reach the journal.
        Invariant.Check(frame.IsIntact(), "W2");
        Interlocked.Increment(ref _inFlight);
        var answer = _store.AppendAsync(_opening.Key, _opening.Epoch, frame.Bytes, CancellationToken.None);
        Invariant.Check(_pending.Writer.TryWrite((answer, frame)), "INV-32");
    }

    public async ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        _store.Confirm(_opening.Key, _opening.Epoch, lastEntry);
        await _store.SealAsync(_opening.Key, _opening.Epoch, lastEntry, chain, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _pending.Writer.TryComplete();
        await _loop;
    }

    private async Task TakeAnswersAsync()
    {
        await foreach (var (pending, frame) in _pending.Reader.ReadAllAsync())
        {
            var answer = await TakeAsync(pending);
            frame?.Release();
            Interlocked.Decrement(ref _inFlight);
            if (State != SinkState.Ready)
                continue;
            if (answer.Refusal is { } refusal)
            {
                _detail = $"{refusal.Kind} {refusal.Detail}";
                _state = (int)(refusal.Kind == ReplicaRefusalKind.Fenced ? SinkState.Fenced : SinkState.Failed);
            }
            else if (answer.DurableEntry > ConfirmedEntry)
            {
                Volatile.Write(ref _confirmed, answer.DurableEntry.Value);
                _store.Confirm(_opening.Key, _opening.Epoch, answer.DurableEntry);
            }

            _listener.OnSinkChanged();
        }
    }

    private static async ValueTask<ReplicaAnswer> TakeAsync(ValueTask<ReplicaAnswer> pending)
    {
        try
        {
            return await pending;
        }
        catch (Exception e)
        {
            // A store that throws has failed; nothing is known of this frame.
            return ReplicaAnswer.Refused(ReplicaRefusal.Of(ReplicaRefusalKind.Unavailable, e.Message));
        }
    }
}
