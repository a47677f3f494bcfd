using Woodpecker.Segments;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Simulation.Workload;

/// <summary>
/// Faults that meet the three members of one open segment together, within what the protocol survives: at most one store is
/// damaged, and who is away comes back with all that it held.
/// </summary>
internal sealed class Corner(World world, SimRandom random, Nemesis nemesis)
{
    private readonly Simulator _sim = world.Sim;
    private readonly Cluster _cluster = world.Cluster;

    /// <summary>
    /// One member is cut off from the owner and lags; one tears its last group or its newest records rot; one goes away; the
    /// owner ends or is deposed. Sometimes another takes over while the first one recovers.
    /// </summary>
    public async Task StrikeAsync()
    {
        if (Find() is not { } place)
            return;
        var (behind, left, away) = (place.Members[0], place.Members[1], place.Members[2]);
        _sim.Trace.Add("nemesis", "corner", $"{place.Key}: {behind.Name} lags, {left.Name} is left, {away.Name} goes, owner {place.Owner.Name}");
        _cluster.Network.Cut(place.Owner.Name, behind.Name);
        await _sim.Delay(random.Between(1, random.Chance(0.3) ? 20 : 1_200));
        await WeakenAsync(left);
        if (away.IsUp)
            nemesis.Crash(away, isPowerFailure: false, random.Between(2_000, 9_000));
        if (random.Chance(0.5) && PickOther(place.Owner.Name) is { } other)
            _ = world.Guard(Nemesis.ForceTakeoverAsync(other, place.Plan));
        else if (place.Owner.IsUp)
            nemesis.Crash(place.Owner, isPowerFailure: false, random.Between(500, 6_000));
        await RaceAsync(place);
        _cluster.Network.Heal(place.Owner.Name, behind.Name);
    }

    /// <summary>Two members go away at once; both come back.</summary>
    public void TakeTwoAway()
    {
        if (Find() is not { } place)
            return;
        foreach (var node in place.Members.Take(2))
            nemesis.Crash(node, isPowerFailure: false, random.Between(2_500, 8_000));
    }

    private async Task WeakenAsync(SimNode node)
    {
        var way = random.Next(3);
        if (node is not { Disk: { } disk, IsUp: true } || way == 0)
            return;
        if (way == 1)
        {
            disk.Disk.StopAfter(random.Next(3));
            for (var i = 0; i < 40 && !disk.Disk.IsStopped; i++)
                await _sim.Delay(TimeSpan.FromMilliseconds(5));
            nemesis.Crash(node, isPowerFailure: true, random.Between(20, 100));
        }
        else if (nemesis.MayRot(node))
        {
            nemesis.Rot(node, isNewest: true);
            nemesis.Crash(node, isPowerFailure: false, random.Between(20, 100));
        }
    }

    // A second recoverer while the first one fences, copies or seals (11.5).
    private async Task RaceAsync(Place place)
    {
        for (var i = 0; i < 1_000; i++)
        {
            await _sim.Delay(TimeSpan.FromMilliseconds(5));
            if (Read(place.Key) is not { State: SegmentState.Open or SegmentState.Recovering } value)
                return;
            if (value.State != SegmentState.Recovering)
                continue;
            if (random.Chance(0.5))
                return;
            await _sim.Delay(random.Between(0, 130));
            if (Holder(place.Plan) is { } holder && PickOther(holder) is { } other)
                await world.Guard(Nemesis.ForceTakeoverAsync(other, place.Plan));
            return;
        }
    }

    private Place? Find()
    {
        var plan = random.Pick(world.Scenario.Logs);
        var etcd = _cluster.Etcd;
        foreach (var entry in etcd.List(MetadataKeys.SegmentPrefix(plan.Id), etcd.Revision).Entries)
        {
            var value = MetadataJson.Read<SegmentValue>(entry);
            if (value is not { State: SegmentState.Open, Mode: LogMode.QuorumBuffer } || !MetadataKeys.TryParseSegment(entry.Key, out var id))
                continue;
            var owner = _cluster.Nodes.FirstOrDefault(n => n.Name == Holder(plan));
            var members = value.Ensemble.Select(m => _cluster.Nodes.First(n => n.Name == m.Node)).ToArray();
            if (owner is not { IsUp: true } || !members.All(static m => m.IsUp))
                return null;
            for (var i = members.Length - 1; i > 0; i--)
            {
                var j = random.Next(i + 1);
                (members[i], members[j]) = (members[j], members[i]);
            }

            return new Place(plan, new SegmentKey(plan.Id, id), owner, members);
        }

        return null;
    }

    private SegmentValue? Read(SegmentKey key) =>
        _cluster.Etcd.Get(MetadataKeys.Segment(key.Log, key.Segment), _cluster.Etcd.Revision) is { } entry
            ? MetadataJson.Read<SegmentValue>(entry) : null;

    private string? Holder(LogPlan plan) => _cluster.Etcd.Get(MetadataKeys.Epoch(plan.Id), _cluster.Etcd.Revision) is { } entry
        ? MetadataJson.Read<EpochValue>(entry).Holder : null;

    private Life? PickOther(string than)
    {
        var others = _cluster.Of(NodeKind.Writer).Where(n => n.IsUp && n.Name != than && !n.Life!.IsPaused).ToList();
        return others.Count == 0 ? null : random.Pick(others).Life;
    }

    private sealed record Place(LogPlan Plan, SegmentKey Key, SimNode Owner, SimNode[] Members);
}
