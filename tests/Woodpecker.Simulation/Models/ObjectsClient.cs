using System.Buffers;
using System.Runtime.CompilerServices;
using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Simulation.Models;

/// <summary>The bucket as one life of a node reaches it: errors before and after the fact, and puts that arrive much later.</summary>
internal sealed class ObjectsClient(Simulator sim, ObjectsModel bucket, Faults faults, Life life, Func<bool> isCut) : IObjectStore
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    private readonly SimRandom _random = sim.Random.Fork();

    public string Description => "simulated";

    public async ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        if (ObjectChecksum.Of(content) != crc32C)
            throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, "The bytes given do not match their checksum.");
        var bytes = content.ToArray();
        PutOutcome Put() => bucket.PutIfAbsent(key.Value, bytes, crc32C, life.Name) ? PutOutcome.Created : PutOutcome.Exists;
        if (_random.Chance(faults.ObjectLatePut))
        {
            // The request is delivered long after its sender gave up.
            sim.After(_random.Between(500, 90_000), null, "object-late-put", () => Put());
            return await CallAsync<PutOutcome>("object-put", null, ObjectStoreErrorKind.Unknown, cancellationToken);
        }

        return await CallAsync("object-put", Put, ObjectStoreErrorKind.Unknown, cancellationToken);
    }

    public async ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        return await CallAsync("object-get", () => Read(key, range, maxLength), ObjectStoreErrorKind.Unavailable, cancellationToken);
    }

    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        return await CallAsync(
            "object-head",
            () => bucket.Objects.TryGetValue(key.Value, out var found)
                ? new ObjectInfo(key, found.Bytes.Length, found.Crc32C, found.Time)
                : (ObjectInfo?)null,
            ObjectStoreErrorKind.Unavailable,
            cancellationToken);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var listed = await CallAsync(
            "object-list",
            () => bucket.Objects
                .Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)
                    && (startAfter is not { } after || string.CompareOrdinal(o.Key, after.Value) > 0))
                .Select(static o => new ObjectInfo(new ObjectKey(o.Key), o.Value.Bytes.Length, Crc32C: null, o.Value.Time))
                .ToList(),
            ObjectStoreErrorKind.Unavailable,
            cancellationToken);
        foreach (var info in listed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        Check(key, cancellationToken);
        await CallAsync(
            "object-delete", () => { bucket.Delete(key.Value, life.Name); return true; }, ObjectStoreErrorKind.Unknown, cancellationToken);
    }

    private ObjectData? Read(ObjectKey key, ByteRange range, int maxLength)
    {
        if (!bucket.Objects.TryGetValue(key.Value, out var found))
            return null;
        var position = range.IsSuffix ? Math.Max(0, found.Bytes.Length - range.Length) : range.Position;
        var length = Math.Min(range.Length, found.Bytes.Length - position);
        if (length < 0 || (length == 0 && !range.IsWhole))
            throw ObjectReadErrors.BeyondEnd(key, range, found.Bytes.Length);
        if (length > maxLength)
            throw ObjectReadErrors.TooLarge(key, length, maxLength);
        if (length == found.Bytes.Length && ObjectChecksum.Of(found.Bytes) != found.Crc32C)
            throw ObjectReadErrors.Damaged(key, "its bytes do not match their checksum");
        return new ObjectData(found.Bytes.AsSpan((int)position, (int)length).ToArray(), position, found.Bytes.Length);
    }

    private Task<T> CallAsync<T>(
        string kind, Func<T>? execute, ObjectStoreErrorKind onLoss, CancellationToken cancellationToken)
    {
        var isAway = bucket.IsDown || isCut();
        if (_random.Chance(faults.ObjectRefuse) || (isAway && _random.Chance(0.5)))
        {
            return RemoteCall.SendAsync<T>(
                sim, life, kind + "-refused", TimeSpan.Zero, null, null, _random.Between(1, 50),
                static () => new ObjectStoreException(ObjectStoreErrorKind.Unavailable, "Simulated: 503 slow down."),
                cancellationToken);
        }

        var slow = _random.Chance(faults.ObjectSlow) ? _random.Between(100, 8_000) : TimeSpan.Zero;
        var loses = _random.Chance(faults.ObjectLoseAnswer);
        // Half of the lost answers are errors that come at once although the request was carried out.
        var timeout = loses && _random.Chance(0.5) ? _random.Between(20, 200) : _timeout;
        return RemoteCall.SendAsync(
            sim,
            life,
            kind,
            _random.Between(1, 15) + slow,
            loses ? null : _random.Between(0.5, 5),
            isAway ? null : execute,
            timeout,
            () => new ObjectStoreException(onLoss, "Simulated: the object store did not answer."),
            cancellationToken);
    }

    private static void Check(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!ObjectKey.IsValid(key.Value))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");
    }
}
