using System.Globalization;
using System.Security.Cryptography;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>How loading a manifest ended.</summary>
public enum ManifestAnswer
{
    /// <summary>It is what metadata says.</summary>
    Ok,

    /// <summary>No such object: metadata may have moved on (C3).</summary>
    Missing,

    /// <summary>The object is not what metadata says.</summary>
    Corrupt,
}

/// <summary>A loaded manifest.</summary>
/// <param name="Answer">How it ended.</param>
/// <param name="Manifest">The manifest, if Ok.</param>
/// <param name="Detail">What is wrong, for people.</param>
public readonly record struct LoadedManifest(ManifestAnswer Answer, SegmentManifest? Manifest, string Detail);

/// <summary>Loads published manifests and holds them against the metadata that names them (INV-21, U7).</summary>
/// <remarks>Threads: any. Errors: <see cref="ObjectStoreException"/> where the store does not answer.</remarks>
/// <param name="store">The object store.</param>
public sealed class ManifestLoader(IObjectStore store)
{
    private const int MaxCached = 256;

    private readonly BoundedMap<string, SegmentManifest> _manifests = new(MaxCached);

    /// <summary>The manifest of a published segment key.</summary>
    public async ValueTask<LoadedManifest> LoadAsync(
        Guid clusterId, LogId log, SegmentId segment, SegmentValue value, CancellationToken cancellationToken)
    {
        if (value.Manifest is not { } reference)
            return new LoadedManifest(ManifestAnswer.Missing, null, "the segment is not published");
        if (!ObjectNames.TryParse(reference.Key, out var name) || name.Kind != ObjectKind.Manifest || name.Log != log)
            return Corrupt(reference, "its name is not a manifest's of this log");

        // A manifest is immutable and its name never reused (INV-23): what passed once passes again.
        var manifest = _manifests.Find(reference.Key);
        if (manifest is null)
        {
            var data = await store.GetAsync(
                new ObjectKey(reference.Key), ByteRange.Whole, Limits.MaxManifestSize, cancellationToken);
            if (data is not { } found)
                return new LoadedManifest(ManifestAnswer.Missing, null, $"manifest {reference.Key} does not exist");
            if (found.Bytes.Length != reference.Length || Hash(found.Bytes.Span) != reference.Sha256)
                return Corrupt(reference, "length or SHA-256 differ from metadata");
            var status = SegmentManifest.Read(found.Bytes.Span, out manifest);
            if (!status.IsOk)
                return Corrupt(reference, status.ToString());
            _manifests.Set(reference.Key, manifest!);
        }

        return Check(clusterId, log, segment, value, manifest!) is { } wrong
            ? Corrupt(reference, wrong)
            : new LoadedManifest(ManifestAnswer.Ok, manifest, "");
    }

    /// <summary>SHA-256 as metadata holds it: 64 lower-case hex digits.</summary>
    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Whether a manifest covers exactly what the segment key says; null if it does, else what differs.</summary>
    public static string? Check(
        Guid clusterId, LogId log, SegmentId segment, SegmentValue value, SegmentManifest manifest)
    {
        if (manifest.ClusterId != clusterId || manifest.LogId != log)
            return "another cluster or log";
        if (manifest.FirstSeg != segment || manifest.LastSeg != (value.LastSegment ?? segment))
            return "other segments";
        if (manifest.BaseOffset != value.BaseOffset || manifest.EntryCount != (ulong)(value.LastEntry!.Value.Value + 1))
            return "other entries";
        if (manifest.Segments[^1].Chain != value.Chain)
            return "another chain";
        return value.LastSegment is null && manifest.Segments[0].Epoch != value.Epoch
            ? string.Create(CultureInfo.InvariantCulture, $"epoch {manifest.Segments[0].Epoch} instead of {value.Epoch}")
            : null;
    }

    private static LoadedManifest Corrupt(ManifestReference reference, string why) =>
        new(ManifestAnswer.Corrupt, null, $"manifest {reference.Key}: {why}");
}
