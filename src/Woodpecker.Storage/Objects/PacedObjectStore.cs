using System.Buffers;

namespace Woodpecker.Storage.Objects;

/// <summary>An object store whose reads are held to a rate: background reading must not take what readers need (C7, C8).</summary>
/// <remarks>Threads: any; the rate is shared by all callers.</remarks>
/// <param name="inner">The store.</param>
/// <param name="bytesPerSecond">The rate.</param>
/// <param name="time">The clock.</param>
public sealed class PacedObjectStore(IObjectStore inner, long bytesPerSecond, TimeProvider time) : IObjectStore
{
    private readonly Lock _gate = new();
    private long _freeAt = time.GetTimestamp();
    private long _bytesRead;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <inheritdoc/>
    public ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken) =>
        inner.PutIfAbsentAsync(key, content, crc32C, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ObjectData?> GetAsync(ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        var data = await inner.GetAsync(key, range, maxLength, cancellationToken);
        if (data is not { } found)
            return data;
        Interlocked.Add(ref _bytesRead, found.Bytes.Length);
        var wait = Charge(found.Bytes.Length);
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancellationToken);
        return data;
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) => inner.HeadAsync(key, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, ObjectKey? startAfter, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, startAfter, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);

    private TimeSpan Charge(int bytes)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _freeAt = Math.Max(_freeAt, now) + (long)((double)bytes / bytesPerSecond * time.TimestampFrequency);
            return time.GetElapsedTime(now, _freeAt);
        }
    }
}
