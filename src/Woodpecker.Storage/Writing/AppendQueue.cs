namespace Woodpecker.Storage.Writing;

/// <summary>
/// Appends of one log between their callers and the session's loop, bounded by bytes and count. The bound covers those
/// in
/// flight too, so that admission happens before anything is buffered (W9).
/// </summary>
/// <remarks>Threads: any may add; the loop takes and releases.</remarks>
internal sealed class AppendQueue(long maxBytes, int maxCount, AppendBudget budget)
{
    private readonly Lock _gate = new();
    private readonly PendingAppendPool _pool = new();
    private readonly Queue<PendingAppend> _items = new();
    private bool _isClosed;
    private long _bytes;
    private int _count;

    /// <summary>Bytes admitted and not released; 0 at rest (INV-32).</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Batches admitted and not released; 0 at rest (INV-32).</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Admits a batch if there is room.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="now">Timestamp, for deadlines.</param>
    /// <param name="isClosed">Whether a refusal is for good.</param>
    /// <returns>The waiter; null if the batch was refused.</returns>
    public PendingAppend? TryAdd(AppendBatch batch, long now, out bool isClosed)
    {
        lock (_gate)
        {
            isClosed = _isClosed;
            // One batch always fits, however small the bound.
            if (isClosed || (_count > 0 && (_count >= maxCount || _bytes + batch.MaxEncodedSize > maxBytes)))
                return null;
            if (!budget.TryTake(batch.MaxEncodedSize))
                return null;

            _bytes += batch.MaxEncodedSize;
            _count++;
            var append = _pool.Rent();
            append.Begin(batch, now);
            _items.Enqueue(append);
            return append;
        }
    }

    /// <summary>
    /// Moves everything that waits to the loop's own queue; it stays within the bound until released.
    /// </summary>
    public void MoveTo(WaitingAppends destination)
    {
        lock (_gate)
        {
            while (_items.TryDequeue(out var append))
                destination.Add(append);
        }
    }

    /// <summary>Takes an append out of the bound and lets go of it; it must have been answered.</summary>
    public void Release(PendingAppend append)
    {
        lock (_gate)
        {
            _bytes -= append.Batch.MaxEncodedSize;
            _count--;
        }

        budget.Release(append.Batch.MaxEncodedSize);
        append.Release();
    }

    /// <summary>Refuses everything from here on.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
    }
}
