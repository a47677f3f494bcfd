using System.Buffers;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>Puts objects whose names belong to one job (U4): an object found there must be one's own earlier try.</summary>
internal static class OwnObjects
{
    /// <summary>Puts the object; on return it is there with these bytes.</summary>
    /// <exception cref="ObjectStoreException">The store failed; or Corrupt if foreign bytes stand under the name.</exception>
    public static async ValueTask PutAsync(
        IObjectStore store, ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        var outcome = await store.PutIfAbsentAsync(key, content, crc32C, cancellationToken);
        if (outcome == PutOutcome.Exists)
            await CheckAsync(store, key, content.Length, crc32C, cancellationToken);
    }

    /// <summary>Puts a manifest under the name of its job.</summary>
    public static async ValueTask<ManifestReference> PutManifestAsync(
        IObjectStore store, SegmentManifest manifest, CancellationToken cancellationToken)
    {
        var encoded = manifest.Encode();
        var key = new ObjectKey(ObjectNames.Manifest(manifest.LogId, manifest.FirstSeg, manifest.JobToken));
        await PutAsync(store, key, new ReadOnlySequence<byte>(encoded), ObjectChecksum.Of(encoded), cancellationToken);
        return new ManifestReference(key.Value, encoded.Length, ManifestLoader.Hash(encoded));
    }

    /// <summary>HEAD: length and checksum must be the given ones (U6).</summary>
    public static async ValueTask CheckAsync(
        IObjectStore store, ObjectKey key, long length, uint crc32C, CancellationToken cancellationToken)
    {
        var info = await store.HeadAsync(key, cancellationToken)
            ?? throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, $"Object '{key}' is gone right after its put.");
        if (info.Length != length || (info.Crc32C is { } kept && kept != crc32C))
        {
            throw new ObjectStoreException(
                ObjectStoreErrorKind.Corrupt,
                $"Object '{key}' has {info.Length} bytes (CRC32C {info.Crc32C:x8}) instead of {length} ({crc32C:x8}): "
                + "a name that belongs to one job holds foreign bytes.");
        }
    }
}
