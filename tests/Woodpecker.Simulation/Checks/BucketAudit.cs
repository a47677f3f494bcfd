using System.Security.Cryptography;
using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Simulation.Checks;

/// <summary>
/// Holds the bucket against metadata: what is published is there and is what the segment's key says (INV-21), by a job that
/// holds its token (X9); what is deleted is referenced by nobody (INV-22, C4); fence slots stay (B9, INV-23).
/// </summary>
internal sealed class BucketAudit(Simulator sim, Cluster cluster)
{
    private readonly Dictionary<string, SegmentManifest?> _manifests = new(StringComparer.Ordinal);

    /// <summary>A key got another manifest, by an upload, a merge or a repair.</summary>
    public void OnPublished(LogId log, SegmentId id, SegmentValue value, EtcdChange change)
    {
        var reference = value.Manifest!;
        if (!ObjectNames.TryParse(reference.Key, out var name) || name.Kind != ObjectKind.Manifest)
        {
            Fail(change, "INV-21", $"{reference.Key} is no manifest's name");
            return;
        }

        if (cluster.Etcd.Get(MetadataKeys.Job(log, id), change.Revision - 1)?.CreateRevision != name.JobToken)
            Fail(change, "X9", $"segment {id} was published by job {name.JobToken}, which does not hold it");
        if (cluster.Bucket.Objects.GetValueOrDefault(reference.Key) is not { } stored
            || Convert.ToHexStringLower(SHA256.HashData(stored.Bytes)) != reference.Sha256
            || Load(reference.Key) is not { } manifest)
        {
            Fail(change, "INV-21", $"manifest {reference.Key} is not there as metadata says");
            return;
        }

        if (manifest.FirstSeg != id || manifest.LastSeg != (value.LastSegment ?? id) || manifest.BaseOffset != value.BaseOffset
            || manifest.EntryCount != (ulong)(value.LastEntry!.Value.Value + 1) || manifest.Segments[^1].Chain != value.Chain)
        {
            Fail(change, "INV-21", $"manifest {reference.Key} covers something else than segment {id} up to {value.LastEntry}");
        }

        foreach (var part in manifest.Objects)
        {
            if (cluster.Bucket.Objects.GetValueOrDefault(part.Key) is not { } found
                || found.Bytes.Length != part.Length || found.Crc32C != part.Crc32C)
            {
                Fail(change, "INV-21", $"object {part.Key} of {reference.Key} is not there as the manifest says");
            }
        }
    }

    /// <summary>Somebody deletes an object.</summary>
    public void OnDelete(string key, string by)
    {
        if (!ObjectNames.TryParse(key, out var name) || cluster.Etcd.Get(MetadataKeys.Tombstone(name.Log), cluster.Etcd.Revision) is not null)
            return;
        var keys = cluster.Etcd.List(MetadataKeys.SegmentPrefix(name.Log), cluster.Etcd.Revision).Entries
            .Select(static e => MetadataKeys.TryParseSegment(e.Key, out var id) ? (Id: id, Value: MetadataJson.Read<SegmentValue>(e)) : default)
            .ToList();
        if (name.Kind is ObjectKind.Segment or ObjectKind.Manifest)
        {
            CheckReferences(key, by, keys);
            CheckJob(key, name, by);
        }
        else
            CheckSlot(key, name, by, keys);
    }

    private void CheckReferences(string key, string by, List<(SegmentId Id, SegmentValue Value)> keys)
    {
        foreach (var (id, value) in keys)
        {
            if (value.State != SegmentState.Compacted || value.Manifest is not { } reference)
                continue;
            if (reference.Key == key || Load(reference.Key)?.Objects.Any(o => o.Key == key) == true)
                sim.Fail($"INV-22: {by} deletes {key}, which segment {id} references");
        }
    }

    // C4: what a living job wrote may still be published; only the job itself knows better.
    private void CheckJob(string key, in ObjectName name, string by)
    {
        if (cluster.Etcd.Get(MetadataKeys.Job(name.Log, name.Segment), cluster.Etcd.Revision) is { } job
            && job.CreateRevision == name.JobToken && MetadataJson.Read<JobValue>(job).Holder != by)
        {
            sim.Fail($"C4: {by} deletes {key} while its job lives");
        }
    }

    private void CheckSlot(string key, in ObjectName name, string by, List<(SegmentId Id, SegmentValue Value)> keys)
    {
        if (cluster.Bucket.Objects[key].Bytes.Length <= SlotObject.FenceSize)
        {
            sim.Fail($"B9: {by} deletes the fence slot {key} of a log that exists");
            return;
        }

        var segment = name.Segment;
        var owner = keys.FirstOrDefault(k => k.Id == segment).Value;
        var isNeeded = owner?.State is SegmentState.Open or SegmentState.Recovering
            || (owner?.State == SegmentState.Sealed && (long)name.Slot <= owner.LastSlot);
        if (isNeeded)
            sim.Fail($"INV-22: {by} deletes slot {key} while segment {segment} is {owner!.State}");
    }

    private SegmentManifest? Load(string key)
    {
        if (_manifests.TryGetValue(key, out var known))
            return known;
        SegmentManifest? manifest = null;
        if (cluster.Bucket.Objects.GetValueOrDefault(key) is { } stored && !SegmentManifest.Read(stored.Bytes, out manifest).IsOk)
            manifest = null;
        if (manifest is not null)
            _manifests[key] = manifest;
        return manifest;
    }

    private void Fail(EtcdChange change, string invariant, string text) =>
        sim.Fail($"{invariant}: {text} (revision {change.Revision}, by {change.By})");
}
