using System.Buffers;

namespace Woodpecker.Storage.Objects;

/// <summary>
/// The object store as the engine needs it. Objects are immutable: a key never changes content (INV-23).
/// </summary>
/// <remarks>
/// Threads:    every member may be called from any thread, many calls at once.
/// Durability: a put that answered <see cref="PutOutcome.Created"/> survives power loss of the store's host.
/// Errors:     <see cref="ObjectStoreException"/> with a kind; absent, unknown and corrupt are different answers.
///             A timeout or cancellation of a put is <see cref="ObjectStoreErrorKind.Unknown"/>: the object may exist;
///             put the same bytes under the same key again.
/// </remarks>
public interface IObjectStore
{
    /// <summary>What the store guarantees; established by <c>ObjectStoreProbe</c> at start-up, never assumed.</summary>
    string Description { get; }

    /// <summary>Stores the object unless one exists under the key.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="content">Borrowed until the task completes. May be empty.</param>
    /// <param name="crc32C">CRC32C of <paramref name="content"/>; the store checks it where it can and keeps it for <see cref="HeadAsync"/>.</param>
    /// <param name="cancellationToken">After the request was sent, cancellation makes the outcome unknown.</param>
    /// <returns>Created, or Exists if any object (perhaps one's own earlier put) is there already.</returns>
    ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken);

    /// <summary>Reads a range of an object.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="range">Which bytes; a range beyond the end is cut to what exists, an empty result is an error.</param>
    /// <param name="maxLength">Refuses (TooLarge) before allocating more than this.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    /// <returns>The bytes (owned by the caller) with the whole object's length; null if the object does not exist.</returns>
    ValueTask<ObjectData?> GetAsync(ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken);

    /// <summary>Length, checksum and time of an object; null if it does not exist.</summary>
    ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken);

    /// <summary>Lists objects whose key starts with <paramref name="prefix"/>, in ordinal key order, optionally after a key.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, ObjectKey? startAfter, CancellationToken cancellationToken);

    /// <summary>Deletes the object; deleting an absent one succeeds.</summary>
    ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken);
}
