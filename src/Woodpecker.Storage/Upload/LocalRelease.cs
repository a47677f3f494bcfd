using System.IO.Hashing;
using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Upload;

/// <summary>How the published objects are verified before a local copy goes (U7).</summary>
public enum ReleaseVerification
{
    /// <summary>By HEAD: the store checked the bytes against their checksum itself.</summary>
    Head,

    /// <summary>By reading every object back.</summary>
    ReadBack,
}

/// <summary>Whether a local copy may be dropped.</summary>
public enum ReleaseVerdict
{
    /// <summary>Everything was verified: write the Drop record with the manifest's SHA-256.</summary>
    Release,

    /// <summary>The segment is truncated or its log deleted by positive evidence (R12): drop without a manifest.</summary>
    Obsolete,

    /// <summary>Not published yet, or nothing proves that it may go: keep.</summary>
    Keep,

    /// <summary>Published objects do not match this copy: keep it for an operator (R13).</summary>
    Mismatch,

    /// <summary>Published objects are missing or damaged: keep the copy; if it is whole, write them again from it (C7).</summary>
    Repair,
}

/// <summary>Answer of <see cref="LocalRelease"/>.</summary>
/// <param name="Verdict">What may be done.</param>
/// <param name="ManifestSha256">For Release: the manifest's SHA-256, 64 hex digits.</param>
/// <param name="Detail">Why, for people.</param>
public readonly record struct ReleaseAnswer(ReleaseVerdict Verdict, string ManifestSha256, string Detail);

/// <summary>What a process knows of its own copy of a segment.</summary>
/// <param name="LastEntry">Last entry held; None if none.</param>
/// <param name="Chain">Chain at that entry; null if the copy is short or was never sealed here: then nothing is compared.</param>
/// <param name="LastOffset">Largest offset the segment may have by this copy; for the proof by truncation.</param>
public readonly record struct LocalCopy(EntryId LastEntry, ulong? Chain, Offset LastOffset)
{
    /// <summary>
    /// What a replica knows of what it holds. The chain is known at the sealed end only: a short copy, or one that a merge
    /// overtook before its seal was heard of, is not compared, but the published one is verified.
    /// </summary>
    public static LocalCopy Of(Replicas.SegmentInfo copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        var last = copy.SealedEntry ?? copy.DurableEntry;
        var isWhole = copy.SealedEntry is { } sealedEntry && copy.DurableEntry == sealedEntry;
        return new LocalCopy(
            isWhole ? last : EntryId.None, isWhole ? copy.SealedChain : null, copy.BaseOffset + Math.Max(0, last.Value));
    }
}

/// <summary>
/// Decides whether this process may drop its copy of a segment: only on positive evidence that it has itself verified
/// (R12, U7, INV-22). An absent key alone is none; it may be merged into an earlier key, and the read may be stale.
/// </summary>
/// <remarks>Threads: any. Errors: <see cref="ObjectStoreException"/> and <see cref="MetadataException"/>: keep, ask again.</remarks>
public sealed class LocalRelease(IMetadataStore metadata, IObjectStore store, ReleaseVerification verification)
{
    private readonly ManifestLoader _manifests = new(store);

    /// <summary>The verification that a probed store allows.</summary>
    public static ReleaseVerification VerificationFor(ObjectStoreCapabilities capabilities) =>
        capabilities.ChecksumsVerified ? ReleaseVerification.Head : ReleaseVerification.ReadBack;

    /// <summary>Looks whether a copy may go.</summary>
    /// <param name="clusterId">The cluster.</param>
    /// <param name="key">The segment.</param>
    /// <param name="copy">What this process knows of its copy.</param>
    /// <param name="cancellationToken">Stops looking.</param>
    public async ValueTask<ReleaseAnswer> CheckAsync(
        Guid clusterId, SegmentKey key, LocalCopy copy, CancellationToken cancellationToken)
    {
        var (covering, isDropped) = await FindCoveringAsync(key, cancellationToken);
        if (isDropped)
            return new ReleaseAnswer(ReleaseVerdict.Obsolete, "", "the segment was dropped: later ones are there");
        if (covering is not { } found)
            return await CheckAbsentAsync(key.Log, copy.LastOffset, cancellationToken);
        var (id, value) = found;
        switch (value.State)
        {
            case SegmentState.Truncated or SegmentState.Deleting:
                return new ReleaseAnswer(ReleaseVerdict.Obsolete, "", $"the segment is {value.State}");
            case SegmentState.Compacted:
                break;
            case SegmentState.Sealed when Mutation.Is(KnownMistake.ReleasedUnpublished):
                return new ReleaseAnswer(ReleaseVerdict.Release, "", "");
            default:
                return Keep($"the segment is {value.State}");
        }

        try
        {
            // A scrub that read the bytes knows better than a HEAD.
            if (await metadata.GetAsync(MetadataKeys.Damage(key.Log, id), cancellationToken) is { } damage
                && MetadataJson.Read<DamageValue>(damage) is var known && known.Manifest == value.Manifest?.Key)
            {
                return Broken(value, $"a scrub met damage: {known.Detail}");
            }

            var loaded = await _manifests.LoadAsync(clusterId, key.Log, id, value, cancellationToken);
            if (loaded.Manifest is not { } manifest)
                return Broken(value, loaded.Detail);
            if (CheckCopy(key, copy, manifest) is { } wrong)
                return Mismatch(wrong);
            return await VerifyObjectsAsync(manifest, cancellationToken) is { } broken
                ? Broken(value, broken)
                : new ReleaseAnswer(ReleaseVerdict.Release, value.Manifest!.Sha256, "");
        }
        catch (ObjectStoreException e) when (e.Kind == ObjectStoreErrorKind.Corrupt)
        {
            return Broken(value, e.Message);
        }
    }

    /// <summary>
    /// The key that covers a segment, its own or that of a merge; or whether it was dropped: keys are made in order of their
    /// ids and go from the oldest (INV-14, D2), so a later key without one that covers this is proof, however old the listing.
    /// </summary>
    private async ValueTask<((SegmentId Id, SegmentValue Value)? Covering, bool IsDropped)> FindCoveringAsync(
        SegmentKey key, CancellationToken cancellationToken)
    {
        var own = await metadata.GetAsync(MetadataKeys.Segment(key.Log, key.Segment), cancellationToken);
        if (own is not null)
            return ((key.Segment, MetadataJson.Read<SegmentValue>(own)), false);
        var isLaterThere = false;
        var listing = await metadata.ListAsync(MetadataKeys.SegmentPrefix(key.Log), cancellationToken);
        foreach (var entry in listing.Entries)
        {
            if (!MetadataKeys.TryParseSegment(entry.Key, out var id))
                continue;
            var value = MetadataJson.Read<SegmentValue>(entry);
            if (id == key.Segment || (id.CompareTo(key.Segment) < 0 && value.LastSegment is { } last && last.CompareTo(key.Segment) >= 0))
                return ((id, value), false);
            isLaterThere |= id.CompareTo(key.Segment) > 0;
        }

        return (null, isLaterThere);
    }

    private async ValueTask<ReleaseAnswer> CheckAbsentAsync(
        LogId log, Offset lastOffset, CancellationToken cancellationToken)
    {
        if (await metadata.GetAsync(MetadataKeys.Tombstone(log), cancellationToken) is not null)
            return new ReleaseAnswer(ReleaseVerdict.Obsolete, "", "the log is deleted");
        var truncation = await metadata.GetAsync(MetadataKeys.Trunc(log), cancellationToken);
        return Mutation.Is(KnownMistake.AbsentKeyReleases)
            || (truncation is not null && MetadataJson.Read<TruncationValue>(truncation).TruncatedTo > lastOffset)
            ? new ReleaseAnswer(ReleaseVerdict.Obsolete, "", "the segment lies below the truncation point")
            : Keep("no key covers the segment, which proves nothing");
    }

    // INV-39: copy and objects yield the same chain. A short copy of a sealed segment has no chain at the end to compare.
    private static string? CheckCopy(SegmentKey key, LocalCopy copy, SegmentManifest manifest)
    {
        var published = manifest.Segments[(int)(key.Segment.Value - manifest.FirstSeg.Value)];
        return copy.Chain is { } chain && copy.LastEntry == published.LastEntry && chain != published.Chain
            ? $"the copy has chain {chain:x16} at entry {copy.LastEntry}, the manifest {published.Chain:x16}"
            : null;
    }

    private async ValueTask<string?> VerifyObjectsAsync(SegmentManifest manifest, CancellationToken cancellationToken)
    {
        foreach (var described in manifest.Objects)
        {
            var key = new ObjectKey(described.Key);
            if (verification == ReleaseVerification.ReadBack)
            {
                if (await ReadBackAsync(key, described, cancellationToken) is { } wrong)
                    return wrong;
                continue;
            }

            var info = await store.HeadAsync(key, cancellationToken);
            if (info is not { } found)
                return $"object {key} does not exist";
            if (found.Length != described.Length || found.Crc32C != described.Crc32C)
                return $"object {key} has another length or checksum than the manifest says";
        }

        return null;
    }

    private async ValueTask<string?> ReadBackAsync(
        ObjectKey key, ManifestObject described, CancellationToken cancellationToken)
    {
        const int Step = 4 * 1024 * 1024;
        var crc32C = 0u;
        var hash = new XxHash128();
        for (long position = 0; position < described.Length;)
        {
            var data = await store.GetAsync(key, ByteRange.From(position, Step), Step, cancellationToken);
            if (data is not { } found)
                return $"object {key} does not exist";
            if (found.ObjectLength != described.Length)
                return $"object {key} has {found.ObjectLength} bytes instead of {described.Length}";
            crc32C = Format.Crc32C.Extend(crc32C, found.Bytes.Span);
            hash.Append(found.Bytes.Span);
            position += found.Bytes.Length;
        }

        return crc32C == described.Crc32C && Convert.ToHexStringLower(hash.GetCurrentHash()) == described.Xxh128
            ? null
            : $"object {key} has other bytes than the manifest says";
    }

    private static ReleaseAnswer Keep(string why) => new(ReleaseVerdict.Keep, "", why);

    // What a merge covers is not one segment's to write again.
    private static ReleaseAnswer Broken(SegmentValue value, string why) =>
        value.LastSegment is null ? new(ReleaseVerdict.Repair, "", why) : Mismatch(why);

    private static ReleaseAnswer Mismatch(string why) => new(ReleaseVerdict.Mismatch, "", why);
}
