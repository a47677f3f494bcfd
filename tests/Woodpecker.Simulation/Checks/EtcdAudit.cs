using System.Text;
using Woodpecker.Segments;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Simulation.Checks;

/// <summary>
/// Reads every revision of etcd against the rules of the protocol: edges of segments, ends that never change, offsets
/// without gaps, epochs that only rise, one active segment, copies at a seal (INV-14, 15, 17, 18, 21, 26, 27, 33).
/// </summary>
internal sealed class EtcdAudit(
    Simulator sim, Cluster cluster, ReplicaOracle oracle, MessageOracle messages, BucketAudit bucket)
{
    /// <summary>A field that this version does not know.</summary>
    public const string NewerField = "\"zz\":1";

    /// <summary>Who writes it.</summary>
    public const string NewerVersion = "newer-version";

    private readonly List<EtcdChange> _group = [];

    public void OnChange(EtcdChange change)
    {
        if (_group.Count > 0 && _group[0].Revision != change.Revision)
            CheckGroup();
        _group.Add(change);
        Tell(change);
        if (_group.Count == 1)
            sim.After(TimeSpan.Zero, null, "audit", CheckGroup);
    }

    /// <summary>Once more, everything together.</summary>
    public void CheckEnd() => CheckGroup();

    // At once: what the change allows may happen in the very same moment.
    private void Tell(EtcdChange change)
    {
        if (change.After is null || !change.Key.StartsWith(MetadataKeys.LogsPrefix, StringComparison.Ordinal)
            || !change.Key.Contains("/seg/", StringComparison.Ordinal) || !MetadataKeys.TryParseSegment(change.Key, out var id))
        {
            return;
        }

        var log = new LogId(Convert.ToUInt64(change.Key.Substring(MetadataKeys.LogsPrefix.Length, 16), 16));
        var before = change.Before is null ? null : MetadataJson.Read<SegmentValue>(change.Before);
        messages.OnSegment(new SegmentKey(log, id), before, MetadataJson.Read<SegmentValue>(change.After), change);
    }

    private void CheckGroup()
    {
        foreach (var change in _group)
        {
            if (!change.Key.StartsWith(MetadataKeys.LogsPrefix, StringComparison.Ordinal))
                continue;
            var rest = change.Key[MetadataKeys.LogsPrefix.Length..];
            var log = new LogId(Convert.ToUInt64(rest[..16], 16));
            if (rest.EndsWith("/epoch", StringComparison.Ordinal))
                CheckEpoch(change);
            else if (rest.EndsWith("/trunc", StringComparison.Ordinal))
                CheckTruncation(change);
            else if (rest.Contains("/seg/", StringComparison.Ordinal))
                CheckSegment(log, change);
        }

        _group.Clear();
    }

    private void CheckEpoch(EtcdChange change)
    {
        if (change.After is null)
            return;
        var after = MetadataJson.Read<EpochValue>(change.After);
        Trace(change, $"epoch {after.Epoch} holder {after.Holder ?? "none"}");
        if (change.Before is null)
            return;
        var before = MetadataJson.Read<EpochValue>(change.Before);
        if (after.Epoch < before.Epoch)
            Fail(change, "INV-18", $"the epoch fell from {before.Epoch} to {after.Epoch}");
        else if (after.Epoch == before.Epoch && after.Holder is not null && after.Holder != before.Holder)
            Fail(change, "INV-18", "another holder took the log without raising the epoch");
    }

    private void CheckTruncation(EtcdChange change)
    {
        if (change.After is null || change.Before is null)
            return;
        var (before, after) = (MetadataJson.Read<TruncationValue>(change.Before), MetadataJson.Read<TruncationValue>(change.After));
        if (after.TruncatedTo < before.TruncatedTo)
            Fail(change, "INV-27", $"truncation went back from {before.TruncatedTo} to {after.TruncatedTo}");
    }

    private void CheckSegment(LogId log, EtcdChange change)
    {
        if (!MetadataKeys.TryParseSegment(change.Key, out var id))
        {
            Fail(change, "4.1", $"{change.Key} is no segment key");
            return;
        }

        if (change.By == NewerVersion)
            return;
        if (HasNewerField(change.Before) && change.After is not null && !HasNewerField(change.After))
            Fail(change, "X3", $"a field of a newer version was dropped from segment {id} of log {log}");
        var before = change.Before is null ? null : MetadataJson.Read<SegmentValue>(change.Before);
        var after = change.After is null ? null : MetadataJson.Read<SegmentValue>(change.After);
        Trace(change, after is null ? $"segment {id} deleted" : $"segment {id} {after.State} epoch {after.Epoch} base {after.BaseOffset} last {after.LastEntry}");
        var isDeleted = cluster.Etcd.Get(MetadataKeys.Tombstone(log), change.Revision) is not null;
        if (after is null)
        {
            CheckDeletion(log, id, before!, change, isDeleted);
            return;
        }

        if (!isDeleted && !IsEdge(before?.State, after.State))
            Fail(change, "INV-14", $"segment {id} went from {before?.State.ToString() ?? "nothing"} to {after.State}");
        if (before?.LastEntry is not null)
            CheckFixed(log, id, before, after, change);
        if (after.State is SegmentState.Open or SegmentState.Recovering || (after.State == SegmentState.Sealed && before?.State != SegmentState.Sealed))
            CheckReign(log, id, before, after, change);
        if (before?.State is null or SegmentState.Prepared && after.State == SegmentState.Open)
            CheckBase(log, id, after, change);
        if (!isDeleted && after.State == SegmentState.Truncated && before?.State != SegmentState.Truncated)
            CheckTruncated(log, id, after, change);
        if (after.Manifest is not null && after.Manifest.Key != before?.Manifest?.Key)
            bucket.OnPublished(log, id, after, change);
        if (before?.State == SegmentState.Recovering && after.State == SegmentState.Sealed)
            oracle.CheckSealed(new SegmentKey(log, id), after);
        CheckActive(log, change);
    }

    private void CheckDeletion(LogId log, SegmentId id, SegmentValue before, EtcdChange change, bool isDeleted)
    {
        var isAbsorbed = before.State == SegmentState.Compacted && _group.Any(other =>
            other.After is not null && other.Key.Contains("/seg/", StringComparison.Ordinal)
            && MetadataJson.Read<SegmentValue>(other.After).LastSegment is { } last && last.Value >= id.Value);
        if (!isDeleted && !isAbsorbed && before.State is not (SegmentState.Prepared or SegmentState.Deleting))
            Fail(change, "INV-14", $"segment {id} of log {log} was deleted in state {before.State}");
    }

    // 4.1, D2: the newest key with offsets carries the end of the log and stays; and nothing goes that lies above the truncation.
    private void CheckTruncated(LogId log, SegmentId id, SegmentValue after, EtcdChange change)
    {
        var isNewest = !cluster.Etcd.List(MetadataKeys.SegmentPrefix(log), change.Revision).Entries.Any(e =>
            MetadataKeys.TryParseSegment(e.Key, out var other) && other.Value > id.Value
            && MetadataJson.Read<SegmentValue>(e).State != SegmentState.Prepared);
        if (isNewest)
            Fail(change, "4.1", $"segment {id} of log {log} was truncated, and with it the end of the log");
        var to = cluster.Etcd.Get(MetadataKeys.Trunc(log), change.Revision) is { } entry
            ? MetadataJson.Read<TruncationValue>(entry).TruncatedTo : Offset.Zero;
        if (after.EndOffset is { } end && end > to)
            Fail(change, "INV-27", $"segment {id} of log {log} ends at {end} and was truncated, but the truncation is at {to}");
    }

    private void CheckFixed(LogId log, SegmentId id, SegmentValue before, SegmentValue after, EtcdChange change)
    {
        if (after.BaseOffset != before.BaseOffset)
            Fail(change, "INV-15", $"the base of segment {id} changed from {before.BaseOffset} to {after.BaseOffset}");
        var isMerge = after.LastSegment is not null && after.LastSegment != before.LastSegment;
        if (!isMerge && (after.LastEntry != before.LastEntry || (after.Chain != before.Chain && after.Chain is not null)))
            Fail(change, "INV-15", $"the end of segment {id} of log {log} changed from {before.LastEntry} to {after.LastEntry}");
        if (!isMerge)
            return;
        // A merged key ends where the last key that it absorbed ended.
        var last = cluster.Etcd.List(MetadataKeys.SegmentPrefix(log), change.Revision - 1).Entries
            .Select(static e => MetadataKeys.TryParseSegment(e.Key, out var key) ? (Id: key, Value: MetadataJson.Read<SegmentValue>(e)) : default)
            .Last(one => one.Id.Value <= after.LastSegment!.Value.Value);
        if (after.EndOffset != last.Value.EndOffset)
            Fail(change, "INV-15", $"the merged segment {id} ends at {after.EndOffset}, its last part at {last.Value.EndOffset}");
    }

    // INV-18: whoever opens, recovers or seals reigns at that revision.
    private void CheckReign(LogId log, SegmentId id, SegmentValue? before, SegmentValue after, EtcdChange change)
    {
        if (cluster.Etcd.Get(MetadataKeys.Epoch(log), change.Revision) is not { } entry)
            return;
        var reigning = MetadataJson.Read<EpochValue>(entry);
        var acting = after.State == SegmentState.Open ? after.Epoch
            : after.State == SegmentState.Recovering ? after.RecoveryEpoch ?? default
            : before?.State == SegmentState.Recovering ? before.RecoveryEpoch ?? default : after.Epoch;
        if (acting != reigning.Epoch)
            Fail(change, "INV-18", $"epoch {acting} made segment {id} {after.State} while epoch {reigning.Epoch} reigns");
    }

    private void CheckBase(LogId log, SegmentId id, SegmentValue after, EtcdChange change)
    {
        if (id.Value == 0)
        {
            if (after.BaseOffset != Offset.Zero)
                Fail(change, "INV-33", "the first segment does not begin at 0");
            return;
        }

        var before = cluster.Etcd.List(MetadataKeys.SegmentPrefix(log), change.Revision).Entries
            .Select(static e => MetadataKeys.TryParseSegment(e.Key, out var key) ? (Id: key, Value: MetadataJson.Read<SegmentValue>(e)) : default)
            .LastOrDefault(one => one.Value is not null && one.Id.Value < id.Value);
        if (before.Value is null || (before.Value.LastSegment ?? before.Id).Next != id)
            Fail(change, "INV-14", $"segment {id} has no neighbour before it");
        else if (after.BaseOffset != before.Value.NextBaseOffset)
            Fail(change, "INV-33", $"segment {id} begins at {after.BaseOffset}, the one before ends at {before.Value.NextBaseOffset}");
    }

    private void CheckActive(LogId log, EtcdChange change)
    {
        var active = cluster.Etcd.List(MetadataKeys.SegmentPrefix(log), change.Revision).Entries
            .Count(static e => MetadataJson.Read<SegmentValue>(e).State is SegmentState.Open or SegmentState.Recovering);
        if (active > 1)
            Fail(change, "INV-14", $"log {log} has {active} active segments");
    }

    private static bool HasNewerField(MetadataEntry? entry) =>
        entry is not null && Encoding.UTF8.GetString(entry.Value.Span).Contains(NewerField, StringComparison.Ordinal);

    private static bool IsEdge(SegmentState? from, SegmentState to) => (from, to) switch
    {
        (null or SegmentState.Prepared, SegmentState.Prepared or SegmentState.Open) => true,
        (SegmentState.Open, SegmentState.Sealed or SegmentState.Recovering) => true,
        (SegmentState.Recovering, SegmentState.Recovering or SegmentState.Sealed) => true,
        (SegmentState.Sealed, SegmentState.Compacted or SegmentState.Truncated) => true,
        (SegmentState.Compacted, SegmentState.Compacted or SegmentState.Truncated) => true,
        (SegmentState.Truncated, SegmentState.Deleting) => true,
        _ => false,
    };

    private void Trace(EtcdChange change, string text) => sim.Trace.Add("etcd", "txn", $"r{change.Revision} by {change.By}: {text}");

    private void Fail(EtcdChange change, string invariant, string text) =>
        sim.Fail($"{invariant}: {text} (revision {change.Revision}, by {change.By})");
}
