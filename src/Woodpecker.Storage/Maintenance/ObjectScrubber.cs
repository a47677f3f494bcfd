using Microsoft.Extensions.Logging;
using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Maintenance;

/// <summary>What a scrub of one log met.</summary>
/// <param name="Keys">Published segment keys read completely.</param>
/// <param name="Damaged">Those of which something is missing or damaged.</param>
/// <param name="Repaired">Damage known before that is gone: written again, merged away, or an error of the way.</param>
public readonly record struct ScrubResult(int Keys, int Damaged, int Repaired);

/// <summary>
/// Reads all published objects of a log and verifies every block and the chain of every segment (C7). Damage becomes a
/// record in metadata with its place: readers of the log's description see it, no member drops a copy of the segment any
/// more, and a member that still holds one writes the objects again.
/// </summary>
/// <remarks>Threads: any. Rate: the store's (<see cref="PacedObjectStore"/>). Errors: those of the ports; a later scrub goes on.</remarks>
public sealed partial class ObjectScrubber(
    TransactionRunner runner, IObjectStore store, string holder, ILogger<ObjectScrubber> logger)
{
    private const int MaxDetail = 300;

    /// <summary>Scrubs one log.</summary>
    public async ValueTask<ScrubResult> RunAsync(Guid clusterId, LogId log, CancellationToken cancellationToken)
    {
        var keys = await SegmentKeys.ReadAsync(runner.Store, log, cancellationToken);
        var known = await DamageOf(runner.Store, log, cancellationToken);
        var result = default(ScrubResult);
        foreach (var key in keys.Entries)
        {
            if (key.Value.State != SegmentState.Compacted)
                continue;
            var finding = await CheckAsync(clusterId, log, key, cancellationToken);
            result = result with { Keys = result.Keys + 1 };
            if (finding is not null && await RecordAsync(log, key, finding, cancellationToken))
                result = result with { Damaged = result.Damaged + 1 };
            if (finding is null && known.Remove(key.Id, out var old))
                result = result with { Repaired = result.Repaired + await ForgetAsync(old, cancellationToken) };
        }

        // What is left in the list belongs to keys that are merged away, truncated, or damaged still.
        foreach (var (id, record) in known)
        {
            if (!keys.Entries.Any(key => key.Id == id && key.Value.State == SegmentState.Compacted))
                result = result with { Repaired = result.Repaired + await ForgetAsync(record, cancellationToken) };
        }

        return result;
    }

    /// <summary>Damage known of a log, by segment key.</summary>
    public static async ValueTask<Dictionary<SegmentId, Versioned<DamageValue>>> DamageOf(
        IMetadataStore metadata, LogId log, CancellationToken cancellationToken)
    {
        var listing = await metadata.ListAsync(MetadataKeys.DamagePrefix(log), cancellationToken);
        var damage = new Dictionary<SegmentId, Versioned<DamageValue>>();
        foreach (var entry in listing.Entries)
        {
            if (MetadataKeys.TryParseSegment(entry.Key, out var id))
                damage[id] = Versioned<DamageValue>.From(entry);
        }

        return damage;
    }

    private async ValueTask<DamageValue?> CheckAsync(
        Guid clusterId, LogId log, SegmentKeyEntry key, CancellationToken cancellationToken)
    {
        var loaded = await LoadAsync(clusterId, log, key, cancellationToken);
        if (loaded.Manifest is not { } manifest)
        {
            return Finding(
                key, key.Value.Manifest!.Key, key.Value.BaseOffset!.Value, key.Value.EndOffset!.Value,
                loaded.Answer == ManifestAnswer.Missing ? SourceFault.Missing : SourceFault.Damaged, loaded.Detail);
        }

        var place = manifest.Objects.Count == 0 ? null : manifest.Objects[0];
        try
        {
            await VerifyAsync(manifest, described => place = described, cancellationToken);
            return null;
        }
        catch (SourceException e) when (place is not null)
        {
            return Finding(key, place.Key, place.FirstOffset, place.FirstOffset + (long)place.EntryCount, e.Fault, e.Message);
        }
    }

    private async ValueTask<LoadedManifest> LoadAsync(
        Guid clusterId, LogId log, SegmentKeyEntry key, CancellationToken cancellationToken)
    {
        try
        {
            // A loader of its own: what passed once and is remembered would never be read again.
            return await new ManifestLoader(store).LoadAsync(clusterId, log, key.Id, key.Value, cancellationToken);
        }
        catch (ObjectStoreException e) when (ObjectReaderAnswers.From(e) == SourceAnswer.Corrupt)
        {
            return new LoadedManifest(ManifestAnswer.Corrupt, null, e.Message); // The store noticed it itself.
        }
    }

    private async ValueTask VerifyAsync(SegmentManifest manifest, Action<ManifestObject> at, CancellationToken cancellationToken)
    {
        var runs = new ManifestRuns(store);
        var index = -1;
        var entry = EntryId.None;
        ulong chain = 0;
        foreach (var described in manifest.Objects)
        {
            at(described);
            await foreach (var (segment, run) in runs.ReadAsync(manifest with { Objects = [described] }, cancellationToken))
            {
                while (index < 0 || manifest.Segments[index].SegId != segment)
                {
                    End(manifest, index, entry, chain);
                    if (++index == manifest.Segments.Count)
                        throw Broken($"blocks of segment {segment} out of order");
                    (entry, chain) = (EntryId.None, StartOf(manifest, manifest.Segments[index]));
                }

                if (run.Start.FirstEntry != entry + 1 || run.Start.ChainBefore != chain)
                    throw Broken($"a break in segment {segment} after entry {entry}");
                (entry, chain) = (run.Start.FirstEntry + (run.Start.Count - 1), run.ChainAfter);
            }
        }

        End(manifest, index, entry, chain);
        for (index++; index < manifest.Segments.Count; index++)
            End(manifest, index, EntryId.None, 0);
    }

    // INV-39: the objects yield the sealed chain at the sealed end.
    private static void End(SegmentManifest manifest, int index, EntryId entry, ulong chain)
    {
        if (index < 0)
            return;
        var expected = manifest.Segments[index];
        if (entry != expected.LastEntry || (!entry.IsNone && chain != expected.Chain))
            throw Broken($"segment {expected.SegId} ends at entry {entry} instead of {expected.LastEntry}, or with another chain");
    }

    private static ulong StartOf(SegmentManifest manifest, ManifestSegment segment) =>
        ChainHash.Start(manifest.LogId, segment.SegId, segment.Epoch, segment.BaseOffset);

    private static SourceException Broken(string what) => new(SourceFault.Diverged, $"The objects do not hold what was sealed: {what}.");

    private DamageValue Finding(SegmentKeyEntry key, string name, Offset first, Offset end, SourceFault fault, string detail) => new()
    {
        Manifest = key.Value.Manifest!.Key,
        Object = name,
        FirstOffset = first,
        LastOffset = end > first ? new Offset(end.Value - 1) : first,
        Fault = fault.ToString(),
        Detail = detail.Length > MaxDetail ? detail[..MaxDetail] : detail,
        FoundAt = runner.NowMicroseconds,
        FoundBy = holder,
    };

    // Only if the key is still as it was read: a merge or a collection meanwhile explains what is missing (C3).
    private async ValueTask<bool> RecordAsync(
        LogId log, SegmentKeyEntry key, DamageValue finding, CancellationToken cancellationToken)
    {
        var record = MetadataKeys.Damage(log, key.Id);
        var nonce = runner.NewNonce();
        var result = await runner.RunAsync<DamageValue>(
            new MetadataTransaction()
                .WhenModRevision(key.Key.Key, key.Key.ModRevision)
                .Put(record, MetadataJson.Write(finding with { Nonce = nonce })),
            record, nonce, cancellationToken);
        if (result.Landed)
            Damaged(logger, log.Value, finding.Object, finding.FirstOffset.Value, finding.LastOffset.Value, finding.Fault, finding.Detail);
        return result.Landed;
    }

    private async ValueTask<int> ForgetAsync(Versioned<DamageValue> record, CancellationToken cancellationToken)
    {
        var result = await runner.RunAsync(
            new MetadataTransaction().WhenModRevision(record.Key, record.ModRevision).Delete(record.Key),
            record.Key,
            static entry => entry is null,
            cancellationToken);
        return result.Landed ? 1 : 0;
    }

    [LoggerMessage(
        3351, LogLevel.Error,
        "Log {Log}: object {Object} with offsets {First} to {Last} is not what was published ({Fault}): {Detail}")]
    private static partial void Damaged(ILogger logger, ulong log, string @object, ulong first, ulong last, string fault, string detail);
}
