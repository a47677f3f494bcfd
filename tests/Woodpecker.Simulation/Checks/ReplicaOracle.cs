using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replica;
using Woodpecker.Segments;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Simulation.Checks;

/// <summary>Looks at all replicas at once, which only a simulator can (INV-9, 10, 11, 17, 22).</summary>
internal sealed class ReplicaOracle(Simulator sim, Cluster cluster)
{
    // Five seconds: a dropped segment's record is durable by then.
    private const int LooksUntilDurable = 25;

    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(200);

    // What each node held when its last life ended, until the next one has booted.
    private readonly Dictionary<string, Memory> _ended = new(StringComparer.Ordinal);
    private readonly Dictionary<SegmentKey, (long Revision, SegmentState State)> _states = [];
    private readonly HashSet<string> _mayLose = new(StringComparer.Ordinal);

    // Segments with entries that each node was seen to hold.
    private readonly Dictionary<string, (ReplicaId Self, HashSet<SegmentKey> Segments)> _seen = new(StringComparer.Ordinal);

    private readonly Dictionary<string, Gone> _gone = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (Guid Incarnation, Dictionary<SegmentKey, SegmentInfo> Segments)> _longest = new(StringComparer.Ordinal);

    // Epochs that stores answered to have promised: durable by R5.
    private readonly Dictionary<(ReplicaId Replica, LogId Log), LogEpoch> _promised = [];

    /// <summary>A replica answers a call.</summary>
    public void OnAnswered(IMessage request, IMessage response)
    {
        if (request is not FenceRequest fence || response is not FenceReply { Fenced: { } fenced })
            return;
        var key = (Replica: IdentityMapping.ToReplicaId(fenced.Replica), Log: new LogId(fence.Envelope.LogId));
        _promised[key] = new LogEpoch(Math.Max(fence.Envelope.Epoch, _promised.GetValueOrDefault(key).Value));
        // R5: also for a segment or log that it never saw.
        if (StoreOf(cluster.Nodes.First(n => n.Name == key.Replica.NodeId)) is { } store && store.Self == key.Replica)
            CheckPromised(store, key.Replica.NodeId);
    }

    /// <summary>A node whose store was damaged or replaced on purpose may hold less.</summary>
    public void AllowLoss(SimNode node) => _mayLose.Add(node.Name);

    public bool MayLose(SimNode node) => _mayLose.Contains(node.Name);

    /// <summary>The store of a node that serves; null otherwise.</summary>
    public static ReplicaStore? StoreOf(SimNode node) =>
        node.IsUp ? Opened(node.Life!.Services?.GetService<ReplicaNode>()) : null;

    /// <summary>Remembers what a store promised and held.</summary>
    public void OnEnding(SimNode node)
    {
        if (StoreOf(node) is not { } store)
            return;
        _ended[node.Name] = new Memory(store.Self, store.List().ToDictionary(static s => s.Key));
    }

    public async Task RunAsync()
    {
        while (true)
        {
            await sim.Delay(_period);
            foreach (var node in cluster.Of(NodeKind.Replica))
            {
                CheckBooted(node);
                CheckKept(node);
                WatchGone(node);
            }

            CheckConfirmed();
        }
    }

    /// <summary>INV-17: two members hold everything up to the seal.</summary>
    public void CheckSealed(SegmentKey key, SegmentValue value)
    {
        if (value.Mode != LogMode.QuorumBuffer || value.LastEntry is not { } last || last.IsNone)
            return;
        var holders = 0;
        foreach (var member in value.Ensemble)
        {
            if (_mayLose.Contains(member.Node))
                holders++;
            else if (Find(member, key) is { } copy && copy.DurableEntry >= last)
                holders++;
        }

        if (holders < 2)
            sim.Fail($"INV-17: segment {key} was sealed at {last}, but only {holders} members hold that much");
    }

    // INV-22: a copy goes when its segment is published, or truncated, or its key is gone; not before.
    private void CheckKept(SimNode node)
    {
        if (StoreOf(node) is not { } store)
            return;
        var list = store.List();
        var held = list.Where(static c => !c.DurableEntry.IsNone).Select(static c => c.Key).ToHashSet();
        CheckShrunk(node, store, list);
        if (_seen.TryGetValue(node.Name, out var before) && before.Self == store.Self)
        {
            foreach (var key in before.Segments)
            {
                if (store.Find(key) is null && IsNeeded(key))
                    sim.Fail($"INV-22: {node.Name} gave up its copy of segment {key}, which is {StateOf(key)}");
            }
        }

        _seen[node.Name] = (store.Self, held);
    }

    // INV-10 while it runs: entries of an undamaged disk do not turn out to be unreadable.
    private void CheckShrunk(SimNode node, ReplicaStore store, IReadOnlyList<SegmentInfo> list)
    {
        if (!_longest.TryGetValue(node.Name, out var longest) || longest.Incarnation != store.Self.Incarnation)
            _longest[node.Name] = longest = (store.Self.Incarnation, []);
        foreach (var copy in list)
        {
            if (longest.Segments.TryGetValue(copy.Key, out var known) && copy.DurableEntry < Kept(known, copy) && !MayLose(node)
                && IsNeeded(copy.Key))
                sim.Fail($"INV-10: {node.Name} held segment {copy.Key} up to {known.DurableEntry} and now holds {copy.DurableEntry}");
            longest.Segments[copy.Key] = copy;
        }
    }

    // INV-10, INV-11: what was durable when the process ended is there when the next one serves, or its generation is another.
    private void CheckBooted(SimNode node)
    {
        if (StoreOf(node) is not { } store || !_ended.Remove(node.Name, out var before))
            return;
        // Also after damage on purpose: whoever comes back with less has another generation (R10). And what was synced outlives
        // its process and the power: on a disk that nobody damaged nothing is lost at all (R4, J4, J7, INV-38).
        if (store.Self != before.Self && (MayLose(node) || store.Self.Incarnation != before.Self.Incarnation))
            return;
        CheckPromised(store, node.Name);
        CheckBack(node, store);
        foreach (var (key, held) in before.Segments)
        {
            // A header alone may not have been durable yet.
            if (held.DurableEntry.IsNone)
                continue;
            if (store.Find(key) is not { } copy)
            {
                // Dropped in the moment before: only possible when metadata says that it may be.
                if (IsNeeded(key))
                    sim.Fail($"INV-10: {node.Name} held segment {key} up to {held.DurableEntry} and came back without it");
            }
            else if (copy.DurableEntry < Kept(held, copy) && IsNeeded(key))
            {
                sim.Fail($"INV-10: {node.Name} held segment {key} up to {held.DurableEntry} and came back with {copy.DurableEntry}");
            }
        }
    }

    // INV-11.
    private void CheckPromised(ReplicaStore store, string node)
    {
        foreach (var ((replica, log), promised) in _promised)
        {
            if (replica == store.Self && store.Promised(log) < promised)
                sim.Fail($"INV-11: {node} promised epoch {promised} for log {log} and now knows {store.Promised(log)}");
        }
    }

    // What a store let go of, and for how long.
    private void WatchGone(SimNode node)
    {
        if (node is not { Life.IsPaused: false } || StoreOf(node) is not { } store)
            return;
        if (!_gone.TryGetValue(node.Name, out var gone) || gone.Incarnation != store.Self.Incarnation)
            _gone[node.Name] = gone = new Gone(store.Self.Incarnation);
        var held = store.List().Select(static c => c.Key).ToHashSet();
        foreach (var key in held)
            gone.Looks[key] = 0;

        // The record of it may wait for a slow disk.
        if (cluster.Faults.DiskSlow > 0)
            return;
        foreach (var key in gone.Looks.Keys.Where(k => !held.Contains(k)).ToList())
            gone.Looks[key]++;
    }

    // J3, J10, R12: what it let go of for good does not come back out of its journal.
    private void CheckBack(SimNode node, ReplicaStore store)
    {
        if (!_gone.TryGetValue(node.Name, out var gone) || gone.Incarnation != store.Self.Incarnation)
            return;
        foreach (var copy in store.List())
        {
            if (!copy.DurableEntry.IsNone && gone.Looks.GetValueOrDefault(copy.Key) > LooksUntilDurable && !IsNeeded(copy.Key))
                sim.Fail($"J3: {node.Name} booted with segment {copy.Key} up to {copy.DurableEntry}, which it had let go of");
        }
    }

    private bool IsNeeded(SegmentKey key) => StateOf(key) is SegmentState.Open or SegmentState.Recovering or SegmentState.Sealed;

    // A seal cuts what lies above it (R7).
    private static EntryId Kept(SegmentInfo held, SegmentInfo copy) =>
        copy.SealedEntry is { } last ? EntryId.Min(held.DurableEntry, last) : held.DurableEntry;

    // INV-9: no LAC that any member knows lies above what two members hold.
    private void CheckConfirmed()
    {
        if (_mayLose.Count > 0)
            return;
        var copies = new Dictionary<SegmentKey, List<SegmentInfo>>();
        foreach (var node in cluster.Of(NodeKind.Replica))
        {
            var held = StoreOf(node)?.List() ?? (_ended.TryGetValue(node.Name, out var memory) ? [.. memory.Segments.Values] : []);
            foreach (var copy in held)
            {
                if (!copies.TryGetValue(copy.Key, out var list))
                    copies.Add(copy.Key, list = []);
                list.Add(copy);
            }
        }

        foreach (var (key, list) in copies)
        {
            var lac = list.Max(static c => c.ConfirmedEntry);
            if (lac.IsNone || StateOf(key) is not (SegmentState.Open or SegmentState.Recovering))
                continue;
            var holders = list.Count(c => c.DurableEntry >= lac);
            if (holders < 2 && !list.Any(static c => c.IsDamaged || c.IsPoisoned) && !HasNewGeneration())
                sim.Fail($"INV-9: entry {lac} of segment {key} is confirmed, but only {holders} members hold it");
        }
    }

    private bool HasNewGeneration() => cluster.Of(NodeKind.Replica).Any(n => StoreOf(n)?.Self.Generation > 0 || StoreOf(n) is null);

    // Asked for every copy again and again; a value is read once per revision.
    private SegmentState? StateOf(SegmentKey key)
    {
        if (cluster.Etcd.Get(MetadataKeys.Segment(key.Log, key.Segment), cluster.Etcd.Revision) is not { } entry)
            return null;
        if (!_states.TryGetValue(key, out var known) || known.Revision != entry.ModRevision)
            _states[key] = known = (entry.ModRevision, MetadataJson.Read<SegmentValue>(entry).State);
        return known.State;
    }

    private SegmentInfo? Find(EnsembleMember member, SegmentKey key)
    {
        var node = cluster.Nodes.First(n => n.Name == member.Node);
        // R1: another store under the node's name holds nothing of what this one was to hold.
        if (StoreOf(node) is { } store)
            return store.Self.Incarnation == member.Incarnation ? store.Find(key) : null;
        return _ended.TryGetValue(node.Name, out var memory) && memory.Self.Incarnation == member.Incarnation
            ? memory.Segments.GetValueOrDefault(key) : null;
    }

    // Also a store whose journal just failed: what it acknowledged before counts.
    private static ReplicaStore? Opened(ReplicaNode? node) =>
#pragma warning disable VSTHRD002 // Completed, so nothing blocks.
        node is { Serving.IsCompletedSuccessfully: true } ? node.Serving.Result : null;
#pragma warning restore VSTHRD002

    private sealed class Gone(Guid incarnation)
    {
        public Guid Incarnation { get; } = incarnation;

        // How often each segment that was held once was looked for in vain.
        public Dictionary<SegmentKey, int> Looks { get; } = [];
    }

    private sealed record Memory(
        ReplicaId Self, Dictionary<SegmentKey, SegmentInfo> Segments);
}
