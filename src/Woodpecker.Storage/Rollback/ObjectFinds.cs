using System.Collections.Concurrent;
using Woodpecker.Format.Objects;
using Woodpecker.Replicas;
using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Storage.Rollback;

/// <summary>Everything in the object store that says what metadata once knew: manifests, tokens, slots.</summary>
/// <remarks>Threads: one survey at a time. Errors: <see cref="ObjectStoreException"/>: nothing is known, ask again.</remarks>
internal sealed class ObjectFinds
{
    private const int ReadsAtOnce = 8;

    private readonly Guid _clusterId;
    private readonly IObjectStore _store;
    private readonly Dictionary<string, long> _lengths = new(StringComparer.Ordinal);
    private readonly List<ObjectName> _names = [];
    private readonly ConcurrentDictionary<string, ReadManifest> _manifests = new(StringComparer.Ordinal);
    private ILookup<LogId, ObjectName> _slots = Enumerable.Empty<ObjectName>().ToLookup(static n => n.Log);
    private ILookup<LogId, ReadManifest> _manifestsOf = Enumerable.Empty<ReadManifest>().ToLookup(static m => m.Manifest.LogId);

    private ObjectFinds(Guid clusterId, IObjectStore store) => (_clusterId, _store) = (clusterId, store);

    /// <summary>The highest job token in any name: tokens are revisions.</summary>
    public long HighestToken { get; private set; }

    /// <summary>All logs that have objects.</summary>
    public IEnumerable<LogId> Logs => _names.Select(static n => n.Log).Distinct();

    /// <summary>Lists the whole store and reads all manifests.</summary>
    public static async ValueTask<ObjectFinds> ReadAsync(Guid clusterId, IObjectStore store, CancellationToken cancellationToken)
    {
        var finds = new ObjectFinds(clusterId, store);
        await foreach (var info in store.ListAsync("", null, cancellationToken))
        {
            if (!ObjectNames.TryParse(info.Key.Value, out var name))
                continue;
            finds._names.Add(name);
            finds._lengths[info.Key.Value] = info.Length;
            finds.HighestToken = Math.Max(finds.HighestToken, name.JobToken);
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = ReadsAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            finds._names.Where(static n => n.Kind == ObjectKind.Manifest).Select(static n => ObjectNames.Format(n)), options,
            (key, token) => finds.ReadManifestAsync(key, token));
        finds._slots = finds._names.Where(static n => n.Kind is ObjectKind.Slot or ObjectKind.VerifiedSlot).ToLookup(static n => n.Log);
        finds._manifestsOf = finds._manifests.Values.ToLookup(static m => m.Manifest.LogId);
        return finds;
    }

    /// <summary>The readable manifests of a log.</summary>
    public IReadOnlyList<FoundManifest> ManifestsOf(LogId log) =>
        [.. _manifestsOf[log].OrderBy(static m => m.Reference.Key, StringComparer.Ordinal).Select(ToFound)];

    /// <summary>What metadata says of a manifest: reference and stored bytes.</summary>
    public (ManifestReference Reference, long StoredBytes) Describe(string key) =>
        (_manifests[key].Reference, _manifests[key].Manifest.Objects.Sum(static o => (long)o.Length));

    /// <summary>Whether the objects of a published key are all there.</summary>
    public bool HasObjects(SegmentValue value) => value.Manifest is { } named
        && _manifests.TryGetValue(named.Key, out var found) && found.Reference.Sha256 == named.Sha256 && IsComplete(found.Manifest);

    /// <summary>The slots of a log, each series of them as a copy.</summary>
    /// <param name="log">The log.</param>
    /// <param name="isFixed">Whether the end of a segment is known: then its slots are not read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public async ValueTask<IReadOnlyList<FoundCopy>> SlotsOfAsync(
        LogId log, Func<SegmentId, LogEpoch?> isFixed, CancellationToken cancellationToken)
    {
        var result = new List<FoundCopy>();
        foreach (var slots in _slots[log].GroupBy(static n => (n.Segment, n.Kind, n.Epoch, n.SlotNonce)))
        {
            var names = slots.OrderBy(static s => s.Slot).ToList();
            if (names[0].Slot != 0)
                continue; // collected after an upload, at least in part
            if (isFixed(slots.Key.Segment) is { } epoch)
                result.Add(new FoundCopy(RestorePlanner.Slots, slots.Key.Segment, epoch, default));
            else if (await ReadSlotsAsync(names, cancellationToken) is { } copy)
                result.Add(copy);
        }

        return result;
    }

    // Contiguous data slots; a fence or anything foreign ends them (B7).
    private async ValueTask<FoundCopy?> ReadSlotsAsync(List<ObjectName> names, CancellationToken cancellationToken)
    {
        FoundCopy? copy = null;
        var owner = default(BlockOwner);
        var ends = new List<ChainMark>();
        for (var i = 0; i < names.Count && names[i].Slot == (ulong)i; i++)
        {
            var data = await _store.GetAsync(new ObjectKey(ObjectNames.Format(names[i])), ByteRange.Whole, SlotObject.MaxSize, cancellationToken);
            if (data is not { } found || !BlockHeader.Read(found.Bytes.Span, out var first).IsOk || first.IsFence)
                break;
            if (i == 0)
                owner = new BlockOwner(_clusterId, names[i].Log, names[i].Segment, first.Epoch, first.FirstOffset + -first.FirstEntry.Value);
            if (!SlotObject.Read(found.Bytes.Span, i, owner, out var slot).IsOk || slot.IsFence)
                break;
            var block = slot.Data!.Header;
            if (ends.Count > 0 && (block.FirstEntry != ends[^1].Entry + 1 || block.ChainBefore != ends[^1].Chain))
                break;
            copy ??= new FoundCopy(RestorePlanner.Slots, names[0].Segment, owner.Epoch, owner.BaseOffset)
            {
                SlotNonce = names[0].Kind == ObjectKind.VerifiedSlot ? names[0].SlotNonce : null,
            };
            ends.Add(new ChainMark(block.FirstEntry + (block.Count - 1), block.ChainAfter));
        }

        return copy is null ? null : copy with { DurableEntry = ends[^1].Entry, Ends = ends };
    }

    private async ValueTask ReadManifestAsync(string key, CancellationToken cancellationToken)
    {
        var data = await _store.GetAsync(new ObjectKey(key), ByteRange.Whole, Limits.MaxManifestSize, cancellationToken);
        // One that cannot be read proves nothing; a key that names it is reported as having no objects.
        if (data is { } found && SegmentManifest.Read(found.Bytes.Span, out var manifest).IsOk && manifest!.ClusterId == _clusterId)
        {
            var reference = new ManifestReference(key, found.Bytes.Length, ManifestLoader.Hash(found.Bytes.Span));
            _manifests[key] = new ReadManifest(reference, manifest);
        }
    }

    private FoundManifest ToFound(ReadManifest read) => new(
        read.Reference.Key,
        [.. read.Manifest.Segments.Select(static s => new ManifestPart(s.SegId, s.Epoch, s.BaseOffset, s.LastEntry, s.Chain))],
        IsComplete(read.Manifest));

    private bool IsComplete(SegmentManifest manifest) =>
        manifest.Objects.All(o => _lengths.TryGetValue(o.Key, out var length) && length == o.Length);

    private sealed record ReadManifest(ManifestReference Reference, SegmentManifest Manifest);
}
