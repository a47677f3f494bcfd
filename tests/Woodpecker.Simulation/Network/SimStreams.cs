using Google.Protobuf;
using Grpc.Core;

namespace Woodpecker.Simulation.Network;

/// <summary>Reads one direction of a call.</summary>
internal sealed class SimReader<T>(Pipe pipe) : IAsyncStreamReader<T>
    where T : class
{
    public T Current { get; private set; } = null!;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!await pipe.WaitAsync(cancellationToken))
            return false;
        Current = (T)pipe.Take();
        return true;
    }
}

/// <summary>The server's answers.</summary>
internal sealed class SimServerWriter<T>(SimCall call) : IServerStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (call.IsServerGone)
            return Task.FromException(new InvalidOperationException("Can't write the message because the request is complete."));
        call.Responses.Send((IMessage)message);
        return Task.CompletedTask;
    }
}

/// <summary>The client's requests.</summary>
internal sealed class SimClientWriter<T>(SimCall call) : IClientStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions { get; set; }

    public Task CompleteAsync()
    {
        call.Requests.SendSignal(() => call.Requests.End(static () => false));
        return Task.CompletedTask;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            call.Cancel();
        if (call.IsOver)
        {
            return Task.FromException(call.Status.StatusCode == StatusCode.OK
                ? new InvalidOperationException("Can't write the message because the call is complete.")
                : new RpcException(call.Status, call.Trailers));
        }

        call.Requests.Send((IMessage)message);
        return Task.CompletedTask;
    }
}
