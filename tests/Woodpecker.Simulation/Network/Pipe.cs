using Google.Protobuf;

namespace Woodpecker.Simulation.Network;

/// <summary>One direction of a call: items in order, each late; held back while the way is cut, as TCP does.</summary>
internal sealed class Pipe(SimCall call, SimNetwork network, string from, string to, Func<Engine.Life?> receiver, string kind)
{
    private readonly Queue<Action> _unsent = new();
    private readonly Queue<(MessageParser Parser, byte[] Bytes)> _arrived = new();
    private TaskCompletionSource<bool>? _reader;
    private Func<bool>? _end;
    private long _lastArrival;
    private long _stalledSince = -1;

    public void Send(IMessage message)
    {
        var (parser, bytes) = (message.Descriptor.Parser, message.ToByteArray());
        if (this == call.Responses && call.Server is { IsDead: false })
            network.OnResponse?.Invoke(call, message);
        Push(() =>
        {
            _arrived.Enqueue((parser, bytes));
            Answer();
        });
    }

    /// <summary>What happens at the other end once everything sent before has arrived.</summary>
    public void SendSignal(Action arrives) => Push(arrives);

    /// <summary>No more comes: what a reader hears after the last item, by value or by exception.</summary>
    public void End(Func<bool> outcome)
    {
        _end ??= outcome;
        Answer();
    }

    public Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        var reader = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _reader = reader;
        Answer();
        if (cancellationToken.CanBeCanceled && !reader.Task.IsCompleted)
            cancellationToken.UnsafeRegister(_ => { if (_reader == reader) _reader = null; call.OnReaderCancelled(reader, this, cancellationToken); }, null);
        return reader.Task;
    }

    public IMessage Take()
    {
        var (parser, bytes) = _arrived.Dequeue();
        var message = parser.ParseFrom(bytes);
        if (this == call.Requests)
            network.OnRequest?.Invoke(call, message);
        return message;
    }

    private void Push(Action arrives)
    {
        _unsent.Enqueue(arrives);
        if (_unsent.Count == 1)
            Pump();
    }

    private void Pump()
    {
        var sim = network.Sim;
        while (_unsent.Count > 0)
        {
            if (network.IsCut(from, to))
            {
                if (_stalledSince < 0)
                    _stalledSince = sim.Now;
                if (sim.Now - _stalledSince > network.Patience().Ticks)
                    call.Break("the connection timed out");
                else
                    sim.After(network.Random.Between(50, 300), null, "net-retry", Pump);
                return;
            }

            _stalledSince = -1;
            if (network.ResetsNow())
            {
                call.Break("the connection was reset");
                return;
            }

            var arrives = _unsent.Dequeue();
            _lastArrival = Math.Max(_lastArrival + 1, sim.Now + network.Latency().Ticks);
            sim.At(_lastArrival, receiver(), kind, arrives);
        }
    }

    private void Answer()
    {
        if (_reader is not { } reader)
            return;
        if (_arrived.Count > 0)
        {
            _reader = null;
            reader.TrySetResult(true);
        }
        else if (_end is { } end)
        {
            _reader = null;
            try
            {
                reader.TrySetResult(end());
            }
            catch (Exception e) when (e is Grpc.Core.RpcException or IOException or OperationCanceledException)
            {
                reader.TrySetException(e);
            }
        }
    }
}
