namespace Woodpecker.Storage.Cache;

/// <summary>A small map of at most so many values, the least recently used leaving first. Thread-safe.</summary>
internal sealed class BoundedMap<TKey, TValue>(int capacity)
    where TKey : notnull
    where TValue : class
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = [];

    public TValue? Find(TKey key)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(key, out var node))
                return null;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Value;
        }
    }

    /// <summary>The value under the key, made by <paramref name="make"/> (inside the lock: cheap and without side effects) if absent.</summary>
    public TValue GetOrAdd(TKey key, Func<TKey, TValue> make)
    {
        lock (_lock)
        {
            if (Find(key) is { } present)
                return present;
            var value = make(key);
            Set(key, value);
            return value;
        }
    }

    public void Set(TKey key, TValue value)
    {
        lock (_lock)
        {
            Remove(key);
            _nodes.Add(key, _byUse.AddFirst((key, value)));
            if (_nodes.Count > capacity)
            {
                _nodes.Remove(_byUse.Last!.Value.Key);
                _byUse.RemoveLast();
            }
        }
    }

    public void Remove(TKey key)
    {
        lock (_lock)
        {
            if (_nodes.Remove(key, out var node))
                _byUse.Remove(node);
        }
    }
}
