namespace Woodpecker.Storage.Writing;

/// <summary>Appends that the loop has taken over and not yet assigned, in order of arrival, with their size.</summary>
/// <remarks>Threads: the session's loop.</remarks>
internal sealed class WaitingAppends
{
    private readonly Queue<PendingAppend> _items = new();

    public int Count => _items.Count;

    /// <summary>Upper bound of their encoded size, in bytes.</summary>
    public long Bytes { get; private set; }

    public void Add(PendingAppend append)
    {
        _items.Enqueue(append);
        Bytes += append.Batch.MaxEncodedSize;
    }

    public bool TryPeek(out PendingAppend append) => _items.TryPeek(out append!);

    public PendingAppend Take()
    {
        var append = _items.Dequeue();
        Bytes -= append.Batch.MaxEncodedSize;
        return append;
    }
}
