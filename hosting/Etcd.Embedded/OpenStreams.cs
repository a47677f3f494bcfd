using Grpc.Core;

namespace Etcd.Embedded;

/// <summary>
/// Long-lived calls, so that shutdown can end each with its own status before the connections close: a client that only
/// sees its connection go cannot tell a stopped server from a fault of the network.
/// </summary>
internal sealed class OpenStreams(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;

    /// <summary>Runs a call until it ends or the server stops.</summary>
    public async Task RunAsync(ServerCallContext call, Func<CancellationToken, Task> serve)
    {
        lock (_gate)
            _open++;
        // Counted until its last byte is handed over, not until the handler returned.
        call.GetHttpContext().Response.OnCompleted(static state => ((OpenStreams)state).Leave(), this);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, _stopping.Token);
        try
        {
            await serve(ended.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Not OK and not Cancelled: clients take those for an end of their own and never come back.
            throw Refusals.Stopped;
        }
    }

    /// <summary>Ends all calls and waits, not for long, until their answers are out.</summary>
    public async Task DrainAsync()
    {
        await _stopping.CancelAsync();
        lock (_gate)
        {
            if (_open == 0)
                _drained.TrySetResult();
        }

        await Task.WhenAny(_drained.Task, Task.Delay(_patience, time));
    }

    public void Dispose() => _stopping.Dispose();

    private Task Leave()
    {
        lock (_gate)
        {
            if (--_open == 0 && _stopping.IsCancellationRequested)
                _drained.TrySetResult();
        }

        return Task.CompletedTask;
    }
}
