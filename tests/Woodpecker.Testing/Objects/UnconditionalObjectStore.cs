using System.Buffers;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Testing.Objects;

/// <summary>A store that takes If-None-Match and ignores it, as several servers do: every put replaces and says Created.</summary>
public sealed class UnconditionalObjectStore(InMemoryObjectStore memory) : IObjectStore
{
    public string Description => "memory without conditions";

    /// <summary>What holds the objects.</summary>
    public InMemoryObjectStore Memory => memory;

    public ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!ObjectKey.IsValid(key.Value))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");
        if (ObjectChecksum.Of(content) != crc32C)
            throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, $"The bytes given for '{key}' do not match their checksum.");
        memory.Replace(key, content.ToArray());
        return ValueTask.FromResult(PutOutcome.Created);
    }

    public ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken) =>
        memory.GetAsync(key, range, maxLength, cancellationToken);

    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        memory.HeadAsync(key, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, CancellationToken cancellationToken) =>
        memory.ListAsync(prefix, startAfter, cancellationToken);

    public ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        memory.DeleteAsync(key, cancellationToken);
}
