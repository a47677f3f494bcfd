using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Errors;
using GrpcHeaders = Grpc.Core.Metadata;

namespace Woodpecker.Simulation.Network;

/// <summary>A gRPC call between two lives: the client's side, the server's side, and two pipes between them.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing; calls of dead lives are dropped.")]
internal sealed class SimCall
{
    private readonly SimNetwork _network;
    private readonly string _target;
    private readonly CancellationTokenSource _serverToken = new();
    private CancellationTokenRegistration _cancellation;
    private bool _isBroken;
    private bool _isServed;

    public SimCall(SimNetwork network, Life client, string target, string method, GrpcHeaders headers)
    {
        (_network, Client, _target, Method, Headers) = (network, client, target, method, headers);
        Requests = new Pipe(this, network, client.Name, target, () => Server, "net-request");
        Responses = new Pipe(this, network, target, client.Name, () => Client, "net-response");
    }

    public Life Client { get; }

    public Life? Server { get; private set; }

    public string Method { get; }

    public GrpcHeaders Headers { get; }

    public Pipe Requests { get; }

    public Pipe Responses { get; }

    public Status Status { get; private set; } = new(StatusCode.OK, "");

    public GrpcHeaders Trailers { get; private set; } = [];

    public bool IsOver { get; private set; }

    /// <summary>Whether the server can still be heard.</summary>
    public bool IsServerGone => _isBroken || _serverToken.IsCancellationRequested;

    public CancellationToken ServerToken => _serverToken.Token;

    public void Answer(Google.Protobuf.IMessage request, Google.Protobuf.IMessage response)
    {
        if (Server is { IsDead: false })
            _network.OnAnswered?.Invoke(request, response);
        Responses.Send(response);
    }

    public void Start(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static s => ((SimCall)s!).Cancel(), this);
        if (_network.Find(_target) is not { } server)
        {
            // Nobody listens: refused at once, or silence when the whole machine is gone.
            var silence = _network.Random.Chance(0.3) ? _network.Random.Between(500, 3_000) : _network.Random.Between(0.1, 5);
            _network.Sim.After(silence, null, "net-refused", () => Break("nobody listens"));
            return;
        }

        Server = server;
        Requests.SendSignal(Serve);
    }

    /// <summary>The client gives the call up: it hears no more; the server hears of it.</summary>
    public void Cancel()
    {
        if (IsOver)
            return;
        EndClient(new Status(StatusCode.Cancelled, "Call canceled by the client."), []);
        Requests.SendSignal(CancelServer);
    }

    /// <summary>The connection is gone: both sides hear of it.</summary>
    public void Break(string why)
    {
        if (_isBroken)
            return;
        _isBroken = true;
        if (!Client.IsDead)
            EndClient(new Status(StatusCode.Unavailable, $"{_target}: {why}"), []);
        if (Server is { IsDead: false })
            _network.Sim.After(TimeSpan.Zero, Server, "net-broken", CancelServer);
        _network.Forget(this);
    }

    public void OnReaderCancelled(TaskCompletionSource<bool> reader, Pipe pipe, CancellationToken cancellationToken)
    {
        if (pipe == Requests)
        {
            reader.TrySetCanceled(cancellationToken);
            return;
        }

        // As the real client: a cancelled read cancels the call.
        Cancel();
        reader.TrySetException(new RpcException(new Status(StatusCode.Cancelled, "Call canceled by the client.")));
    }

    private void Serve()
    {
        if (_isServed || Server is not { } server)
            return;
        _isServed = true;
        if (!_network.Handlers.TryGetValue(server, out var table) || table.Find(Method) is not { } handler)
        {
            Finish(new Status(StatusCode.Unavailable, "the process starts"), []);
            return;
        }

        _ = ServeAsync(handler);
    }

    private async Task ServeAsync(Func<SimCall, Task> handler)
    {
        try
        {
            await handler(this);
            Finish(new Status(StatusCode.OK, ""), []);
        }
        catch (RpcException e)
        {
            Finish(e.Status, e.Trailers);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            var mapped = FailureMapping.ToRpcException(known);
            Finish(mapped.Status, mapped.Trailers);
        }
        catch (InvariantViolationException e)
        {
            _network.Sim.Fail($"{Server!.Name} {Method}: {e}");
        }
#pragma warning disable CA1031 // As the real server: an unexpected exception becomes a status.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!_serverToken.IsCancellationRequested)
                Server!.Note("rpc-failed", $"{Method}: {e.GetType().Name} {e.Message}");
            Finish(new Status(StatusCode.Unknown, e.Message), []);
        }
    }

    private void Finish(Status status, GrpcHeaders trailers)
    {
        Responses.SendSignal(() =>
        {
            EndClient(status, trailers);
            _network.Forget(this);
        });
    }

    private void CancelServer()
    {
        Requests.End(static () => throw new IOException("The client reset the request stream."));
        _serverToken.Cancel();
        _network.Forget(this);
    }

    private void EndClient(Status status, GrpcHeaders trailers)
    {
        if (IsOver)
            return;
        IsOver = true;
        (Status, Trailers) = (status, trailers);
        _cancellation.Dispose();
        Responses.End(() => status.StatusCode == StatusCode.OK ? false : throw new RpcException(status, trailers));
    }
}
