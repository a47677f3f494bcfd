namespace Woodpecker.Storage.Writing;

/// <summary>Bound on the bytes of appends that wait or are in flight in all logs of a process (W9).</summary>
/// <param name="maxBytes">The bound; one batch always fits into an empty budget.</param>
/// <remarks>Threads: any.</remarks>
public sealed class AppendBudget(long maxBytes)
{
    private long _used;

    /// <summary>Bytes admitted and not released; 0 at rest (INV-32).</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Takes room for a batch; false if there is none now.</summary>
    internal bool TryTake(long bytes)
    {
        var used = Interlocked.Add(ref _used, bytes);
        if (used <= maxBytes || used == bytes)
            return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    /// <summary>Gives room back.</summary>
    internal void Release(long bytes) => Interlocked.Add(ref _used, -bytes);
}
