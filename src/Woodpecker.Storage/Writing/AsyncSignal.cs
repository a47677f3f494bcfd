using System.Threading.Tasks.Sources;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// Wakes one loop from many threads: sets are merged, and the loop looks at everything once per wake-up.
/// </summary>
/// <remarks>Threads: any may set; one waits. No allocation.</remarks>
public sealed class AsyncSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int Set = 1;
    private const int Waiting = 2;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _state;

    /// <summary>Wakes the waiter, or lets the next wait return at once.</summary>
    public void Raise()
    {
        if (Interlocked.Exchange(ref _state, Set) == Waiting)
            _source.SetResult(true);
    }

    /// <summary>Completes once <see cref="Raise"/> was called since the last wait.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Set) == Set)
            return ValueTask.CompletedTask;
        _source.Reset();
        return Interlocked.CompareExchange(ref _state, Waiting, Idle) == Set
            ? CompleteAtOnce()
            : new ValueTask(this, _source.Version);
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        _source.GetResult(token);
        Interlocked.Exchange(ref _state, Idle);
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private ValueTask CompleteAtOnce()
    {
        Interlocked.Exchange(ref _state, Idle);
        return ValueTask.CompletedTask;
    }
}
