namespace Woodpecker.Client.Embedded;

/// <summary>
/// A number of bytes that may be in use at once; callers wait for their share in order. One request always fits.
/// </summary>
internal sealed class ByteBudget(long capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<(int Bytes, TaskCompletionSource Ready)> _waiting = new();
    private long _used;

    public ValueTask AcquireAsync(int bytes, CancellationToken cancellationToken)
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_waiting.Count == 0 && Fits(bytes))
            {
                _used += bytes;
                return ValueTask.CompletedTask;
            }

            _waiting.Enqueue((bytes, ready));
        }

        return WaitAsync(ready, cancellationToken);
    }

    public void Release(int bytes)
    {
        lock (_gate)
        {
            _used -= bytes;
            while (_waiting.TryPeek(out var next) && Fits(next.Bytes))
            {
                _waiting.Dequeue();
                // Whoever was cancelled meanwhile takes nothing.
                if (next.Ready.TrySetResult())
                    _used += next.Bytes;
            }
        }
    }

    private bool Fits(int bytes) => _used == 0 || _used + bytes <= capacity;

    private static async ValueTask WaitAsync(TaskCompletionSource ready, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), ready).ConfigureAwait(false);
        await ready.Task.ConfigureAwait(false);
    }
}
