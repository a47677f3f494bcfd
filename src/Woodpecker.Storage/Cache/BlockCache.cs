namespace Woodpecker.Storage.Cache;

/// <summary>
/// Verified blocks by object and position, the least recently used leaving first. Objects never change content (INV-23),
/// so an entry is never stale.
/// </summary>
/// <remarks>
/// Bounded: by the sum of <see cref="CachedBlock.Cost"/>; a block larger than a quarter of the capacity is not kept.
/// Threads: any; one short lock, never held across anything that waits.
/// </remarks>
public sealed class BlockCache
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Key, long Position), LinkedListNode<Slot>> _blocks = [];
    private readonly LinkedList<Slot> _byUse = [];
    private readonly long _capacity;
    private long _size;

    /// <summary>A cache of at most <paramref name="capacityInBytes"/> bytes; 0 keeps nothing.</summary>
    public BlockCache(long capacityInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacityInBytes);
        _capacity = capacityInBytes;
    }

    /// <summary>Bytes held now.</summary>
    public long Size
    {
        get
        {
            lock (_lock)
                return _size;
        }
    }

    /// <summary>The block of an object that begins at a position; null if it is not here.</summary>
    public CachedBlock? Find(string objectKey, long position)
    {
        lock (_lock)
        {
            if (!_blocks.TryGetValue((objectKey, position), out var node))
                return null;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Block;
        }
    }

    /// <summary>Keeps a verified block.</summary>
    public void Add(string objectKey, long position, CachedBlock block)
    {
        if (block.Cost > _capacity / 4)
            return;
        lock (_lock)
        {
            var key = (objectKey, position);
            if (_blocks.ContainsKey(key))
                return; // Somebody else read it meanwhile: the same bytes.
            _blocks.Add(key, _byUse.AddFirst(new Slot(key, block)));
            _size += block.Cost;
            while (_size > _capacity)
            {
                var last = _byUse.Last!;
                _byUse.RemoveLast();
                _blocks.Remove(last.Value.Key);
                _size -= last.Value.Block.Cost;
            }
        }
    }

    private readonly record struct Slot((string Key, long Position) Key, CachedBlock Block);
}
