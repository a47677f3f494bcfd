namespace Woodpecker.Storage.Reading;

/// <summary>
/// One log in the cache: the last snapshot, at most one running and one waiting read, and the waiters for a change.
/// </summary>
internal sealed class CachedLog
{
    private readonly Lock _gate = new();
    private LogSnapshot? _snapshot;
    private long _invalidations;
    private long _snapshotAt = -1;
    private Task<LogSnapshot>? _running;
    private Task<LogSnapshot>? _waiting;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>The snapshot, unless something changed since it was read.</summary>
    public LogSnapshot? Current
    {
        get
        {
            lock (_gate)
                return _snapshotAt == _invalidations ? _snapshot : null;
        }
    }

    /// <summary>
    /// A snapshot whose read begins after this call; callers that come while one waits to begin share it.
    /// </summary>
    public Task<LogSnapshot> RefreshAsync(Func<ValueTask<LogSnapshot>> read, CancellationToken cancellationToken)
    {
        Task<LogSnapshot> task;
        lock (_gate)
        {
            if (_running is null or { IsCompleted: true })
                task = _running = ReadAsync(read);
            else
                task = _waiting ??= ReadNextAsync(_running, read);
        }

        return task.WaitAsync(cancellationToken);
    }

    /// <summary>Something changed: the snapshot is stale, waiters look again.</summary>
    public void Invalidate()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _invalidations++;
            changed = _changed;
            _changed = NewSignal();
        }

        changed.TrySetResult();
    }

    /// <summary>Completes at the next change, or at once if <paramref name="seen"/> is stale already.</summary>
    public Task WhenChangedAfter(LogSnapshot seen)
    {
        lock (_gate)
            return ReferenceEquals(_snapshot, seen) && _snapshotAt == _invalidations
                ? _changed.Task
                : Task.CompletedTask;
    }

    private async Task<LogSnapshot> ReadNextAsync(Task before, Func<ValueTask<LogSnapshot>> read)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task<LogSnapshot> task;
        lock (_gate)
        {
            _waiting = null;
            task = _running = ReadAsync(read);
        }

        return await task;
    }

    private async Task<LogSnapshot> ReadAsync(Func<ValueTask<LogSnapshot>> read)
    {
        // The callers hold the gate.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        long begun;
        lock (_gate)
            begun = _invalidations;
        var snapshot = await read();
        lock (_gate)
        {
            // An invalidation during the read leaves the snapshot stale.
            _snapshot = snapshot;
            _snapshotAt = begun;
        }

        return snapshot;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
