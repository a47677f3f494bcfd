using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// MemoryBuffer: every frame becomes a numbered slot in the object store; several fly, confirmation is in slot order
/// (B1 to B5). Slots are put only if absent; or, in a segment with a slot nonce, they have names of their own and count
/// only once VerifySlot landed (B10).
/// </summary>
/// <remarks>
/// Threads:    the session sends; puts run beside it; state is under one lock.
/// Durability: confirmed means that the slot and all before it are objects, and are verified where they must be (INV-24).
/// Errors:     another's object in an own slot is a fence; a put that stays unknown or failed ends the session (B3,
///             B4).
/// </remarks>
internal sealed class SlotSink : ISegmentSink
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _puts = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SegmentOpening _opening;
    private readonly IObjectStore _store;
    private readonly SlotSettings _settings;
    private readonly SlotCore _core;
    private readonly SlotNames _names;
    private readonly SlotObjectBuilder _builder;
    private readonly ISinkListener _listener;
    private readonly TimeProvider _time;
    private string _detail = "";

    public SlotSink(
        SegmentOpening opening,
        IObjectStore store,
        Guid clusterId,
        ulong writerNonce,
        SlotSettings settings,
        ISinkListener listener,
        TimeProvider time)
    {
        (_opening, _store, _settings, _listener, _time) = (opening, store, settings, listener, time);
        _core = new SlotCore(
            settings.MaxInFlight, opening.SlotNonce is null ? SlotFence.Conditional : SlotFence.EtcdVerify);
        _names = new SlotNames(opening.Key, opening.Epoch, opening.SlotNonce);
        _builder = new SlotObjectBuilder(clusterId, opening.Key, opening.Epoch, writerNonce);
    }

    public SinkState State
    {
        get
        {
            lock (_gate)
            {
                if (!_core.IsDead)
                    return SinkState.Ready;
                return _core.IsFenced ? SinkState.Fenced : SinkState.Failed;
            }
        }
    }

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
                return _core.HasRoom;
        }
    }

    public EntryId ConfirmedEntry
    {
        get
        {
            lock (_gate)
                return _core.ConfirmedEntry;
        }
    }

    public long? ConfirmedSlot
    {
        get
        {
            lock (_gate)
                return _core.ConfirmedSlot is { } slot ? (long)slot : EntryId.None.Value;
        }
    }

    public bool WantsRoll => false;

    public bool IsSeenBeforeConfirmed => true;

    public SlotMark? Unverified
    {
        get
        {
            lock (_gate)
                return _core.Unverified;
        }
    }

    public void OnVerified(SlotMark mark)
    {
        lock (_gate)
            _core.OnVerified(mark);
        _listener.OnSinkChanged();
    }

    public void Send(OutgoingFrame frame)
    {
        // W2: checked once more before the bytes leave the process.
        Invariant.Check(frame.IsIntact(), "W2");
        lock (_gate)
        {
            if (_core.IsDead)
            {
                frame.Release();
                return;
            }

            var slot = _core.Take(frame.LastEntry);
            var put = PutAsync(slot, frame);
            if (!put.IsCompleted)
                _puts.Add(put);
            _puts.RemoveWhere(static task => task.IsCompleted);
        }
    }

    public ValueTask CompleteAsync(EntryId lastEntry, ulong chain, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] puts;
        lock (_gate)
            puts = [.. _puts];
        await Task.WhenAll(puts);
        _stop.Dispose();
    }

    private async Task PutAsync(ulong slot, OutgoingFrame frame)
    {
        // Off the session's loop, whose lock is held by the caller of this method.
        await Task.Yield();
        SlotPutOutcome outcome;
        var detail = "";
        try
        {
            (outcome, detail) = await TryPutAsync(slot, frame);
        }
        catch (Exception e) when (e is ObjectStoreException or OperationCanceledException)
        {
            outcome = SlotPutOutcome.Failed;
            detail = $"slot {slot} could not be put: {e.Message}";
        }
        finally
        {
            frame.Release();
        }

        lock (_gate)
        {
            if (outcome != SlotPutOutcome.Mine && !_core.IsDead)
                _detail = detail;
            _core.OnPut(slot, outcome);
        }

        _listener.OnSinkChanged();
    }

    private async Task<(SlotPutOutcome Outcome, string Detail)> TryPutAsync(ulong slot, OutgoingFrame frame)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(_settings.PutTimeout, _time);
        var key = _names.Of(slot);
        var content = _builder.BuildData(slot, frame, _opening.Header);
        if (await _store.PutIfAbsentAsync(key, content.Content, content.Crc32C, limit.Token) == PutOutcome.Created)
            return (SlotPutOutcome.Mine, "");

        if (Mutation.Is(KnownMistake.ExistsIsMine))
            return (SlotPutOutcome.Mine, "");
        if (Mutation.Is(KnownMistake.OwnSlotIsForeign))
            return (SlotPutOutcome.Foreign, $"slot {slot} is another's");
        // B3: an earlier try of mine, or somebody else. The nonce in the header tells; nothing is taken for granted.
        var found =
            await _store.GetAsync(key, ByteRange.From(0, content.Prefix.Length), content.Prefix.Length, limit.Token);
        var isMine = found is { } data
            && data.ObjectLength == content.Content.Length
            && data.Bytes.Span.SequenceEqual(content.Prefix.Span);
        return isMine ? (SlotPutOutcome.Mine, "") : (SlotPutOutcome.Foreign, $"slot {slot} is another's");
    }
}
