using System.Buffers;
using System.Runtime.CompilerServices;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Testing.Objects;

/// <summary>A real object store in memory: every rule of the port, nothing durable.</summary>
public sealed class InMemoryObjectStore(TimeProvider timeProvider) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (byte[] Bytes, uint Crc32C, DateTimeOffset Time)> _objects = new(StringComparer.Ordinal);

    public string Description => "memory";

    /// <summary>Keys of all objects, in order.</summary>
    public IReadOnlyList<ObjectKey> Keys
    {
        get
        {
            lock (_lock)
                return [.. _objects.Keys.Select(static key => new ObjectKey(key))];
        }
    }

    /// <summary>Changes stored bytes behind the store's back: bit rot.</summary>
    public void Damage(ObjectKey key, Action<byte[]> change)
    {
        lock (_lock)
        {
            var found = _objects[key.Value];
            var bytes = (byte[])found.Bytes.Clone();
            change(bytes);
            _objects[key.Value] = found with { Bytes = bytes };
        }
    }

    /// <summary>Puts or replaces an object with a checksum that matches: a misdirected or older object.</summary>
    public void Replace(ObjectKey key, byte[] bytes)
    {
        lock (_lock)
            _objects[key.Value] = (bytes, ObjectChecksum.Of(bytes), timeProvider.GetUtcNow());
    }

    public ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        if (ObjectChecksum.Of(content) != crc32C)
            throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, $"The bytes given for '{key}' do not match their checksum.");
        lock (_lock)
        {
            var isNew = _objects.TryAdd(key.Value, (content.ToArray(), crc32C, timeProvider.GetUtcNow()));
            return ValueTask.FromResult(isNew ? PutOutcome.Created : PutOutcome.Exists);
        }
    }

    public ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        lock (_lock)
        {
            if (!_objects.TryGetValue(key.Value, out var found))
                return ValueTask.FromResult<ObjectData?>(null);
            var position = range.IsSuffix ? Math.Max(0, found.Bytes.Length - range.Length) : range.Position;
            var length = Math.Min(range.Length, found.Bytes.Length - position);
            if (length < 0 || (length == 0 && !range.IsWhole))
                throw ObjectReadErrors.BeyondEnd(key, range, found.Bytes.Length);
            if (length > maxLength)
                throw ObjectReadErrors.TooLarge(key, length, maxLength);
            if (length == found.Bytes.Length && ObjectChecksum.Of(found.Bytes) != found.Crc32C)
                throw ObjectReadErrors.Damaged(key, "its bytes do not match their checksum");
            var bytes = found.Bytes.AsSpan((int)position, (int)length).ToArray();
            return ValueTask.FromResult<ObjectData?>(new ObjectData(bytes, position, found.Bytes.Length));
        }
    }

    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        lock (_lock)
        {
            return ValueTask.FromResult<ObjectInfo?>(
                _objects.TryGetValue(key.Value, out var found)
                    ? new ObjectInfo(key, found.Bytes.Length, found.Crc32C, found.Time)
                    : null);
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ObjectInfo> listed = [];
        lock (_lock)
        {
            foreach (var (key, found) in _objects)
            {
                if (key.StartsWith(prefix, StringComparison.Ordinal)
                    && (startAfter is not { } after || string.CompareOrdinal(key, after.Value) > 0))
                {
                    listed.Add(new ObjectInfo(new ObjectKey(key), found.Bytes.Length, Crc32C: null, found.Time));
                }
            }
        }

        await Task.CompletedTask;
        foreach (var info in listed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        lock (_lock)
            _objects.Remove(key.Value);
        return ValueTask.CompletedTask;
    }

    private static void Check(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!ObjectKey.IsValid(key.Value))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");
    }
}
