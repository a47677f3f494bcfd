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
    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(200);

    // What each node held when its last life ended, until the next one has booted.
    private readonly Dictionary<string, Memory> _ended = new(StringComparer.Ordinal);
    private readonly Dictionary<SegmentKey, (long Revision, SegmentState State)> _states = [];
    private readonly HashSet<string> _mayLose = new(StringComparer.Ordinal);

    // Segments with entries that each node was seen to hold.
    private readonly Dictionary<string, (ReplicaId Self, HashSet<SegmentKey> Segments)> _seen = new(StringComparer.Ordinal);

    // Epochs that stores answered to have promised: durable by R5.
    private readonly Dictionary<(ReplicaId Replica, LogId Log), LogEpoch> _promised = [];

    /// <summary>A replica answers a call.</summary>
    public void OnAnswered(IMessage request, IMessage response)
    {
        if (request is not FenceRequest fence || response is not FenceReply { Fenced: { } fenced })
            return;
        var key = (IdentityMapping.ToReplicaId(fenced.Replica), new LogId(fence.Envelope.LogId));
        _promised[key] = new LogEpoch(Math.Max(fence.Envelope.Epoch, _promised.GetValueOrDefault(key).Value));
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
        var held = store.List().Where(static c => !c.DurableEntry.IsNone).Select(static c => c.Key).ToHashSet();
        if (_seen.TryGetValue(node.Name, out var before) && before.Self == store.Self)
        {
            foreach (var key in before.Segments)
            {
                if (store.Find(key) is null && StateOf(key) is SegmentState.Open or SegmentState.Recovering or SegmentState.Sealed)
                    sim.Fail($"INV-22: {node.Name} gave up its copy of segment {key}, which is {StateOf(key)}");
            }
        }

        _seen[node.Name] = (store.Self, held);
    }

    // INV-10, INV-11: what was durable when the process ended is there when the next one serves, or its generation is another.
    private void CheckBooted(SimNode node)
    {
        if (StoreOf(node) is not { } store || !_ended.Remove(node.Name, out var before))
            return;
        // Also after damage on purpose: whoever comes back with less has another generation (R10).
        if (store.Self != before.Self)
            return;
        foreach (var ((replica, log), promised) in _promised)
        {
            if (replica != store.Self)
                continue;
            if (store.Promised(log) < promised)
                sim.Fail($"INV-11: {node.Name} promised epoch {promised} for log {log} and came back with {store.Promised(log)}");
        }

        foreach (var (key, held) in before.Segments)
        {
            // A header alone may not have been durable yet.
            if (held.DurableEntry.IsNone)
                continue;
            if (store.Find(key) is not { } copy)
            {
                // Dropped in the moment before: only possible when metadata says that it may be.
                if (StateOf(key) is SegmentState.Open or SegmentState.Recovering or SegmentState.Sealed)
                    sim.Fail($"INV-10: {node.Name} held segment {key} up to {held.DurableEntry} and came back without it");
            }
            else if (copy.DurableEntry < held.DurableEntry && copy.SealedEntry is null)
            {
                sim.Fail($"INV-10: {node.Name} held segment {key} up to {held.DurableEntry} and came back with {copy.DurableEntry}");
            }
        }
    }

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

    private sealed record Memory(
        ReplicaId Self, Dictionary<SegmentKey, SegmentInfo> Segments);
}
