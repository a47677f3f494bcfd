namespace Woodpecker.Storage.Writing;

/// <summary>Waiters of one log for reuse, bounded; a steady load allocates none.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class PendingAppendPool
{
    private const int MaxKept = 4_096;

    private readonly Lock _gate = new();
    private readonly Stack<PendingAppend> _free = new();

    public PendingAppend Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out var append))
                return append;
        }

        return new PendingAppend(this);
    }

    public void Return(PendingAppend append)
    {
        lock (_gate)
        {
            if (_free.Count < MaxKept)
                _free.Push(append);
        }
    }
}
