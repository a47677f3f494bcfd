using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>Partitions by the TCP links: silent, one-way, cut, flapping, slow.</summary>
internal static class NetworkFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("replica unreachable, silent", static c => OneReplicaAsync(c, LinkState.Silent)),
        new("replica hears nothing", static c => OneReplicaAsync(c, LinkState.DropsRequests)),
        new("replica is not heard", static c => OneReplicaAsync(c, LinkState.DropsReplies)),
        new("replica cut off", static c => OneReplicaAsync(c, LinkState.Cut)),
        new("replica flapping", static c => FlapAsync(c, c.System.AppLink(Chosen(c, c.AnyReplica())))),
        new("replica slow", static c => OneReplicaAsync(c, LinkState.Slow)),
        new("all replicas cut off", static c => DuringAsync(c, LinkState.Cut, [.. FaultSystem.Replicas.Select(c.System.AppLink)])),
        new("writer without etcd, silent", static c => DuringAsync(c, LinkState.Silent, c.System.MetadataLink(Chosen(c, c.Owner)))),
        new("writer does not hear etcd", static c => DuringAsync(c, LinkState.DropsReplies, c.System.MetadataLink(Chosen(c, c.Owner)))),
        new("writer cut off etcd", static c => DuringAsync(c, LinkState.Cut, c.System.MetadataLink(Chosen(c, c.Owner)))),
        new("replica without etcd", static c => DuringAsync(c, LinkState.Silent, c.System.MetadataLink(Chosen(c, c.AnyReplica())))),
        new("etcd slow for all", static c => DuringAsync(c, LinkState.Slow, [.. c.System.MetadataLinks])),
    ];

    private static Task OneReplicaAsync(FaultContext c, LinkState state) =>
        DuringAsync(c, state, c.System.AppLink(Chosen(c, c.AnyReplica())));

    private static string Chosen(FaultContext c, string name)
    {
        c.Notes.Add(name);
        return name;
    }

    private static async Task DuringAsync(FaultContext c, LinkState state, params TcpLink[] links)
    {
        foreach (var link in links)
            link.State = state;
        await Task.Delay(c.Duration);
        foreach (var link in links)
            link.State = LinkState.Open;
    }

    private static async Task FlapAsync(FaultContext c, TcpLink link)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < c.Duration)
        {
            link.State = c.Random.Next(2) == 0 ? LinkState.Cut : LinkState.Silent;
            await Task.Delay(c.Random.Next(50, 400));
            link.State = LinkState.Open;
            await Task.Delay(c.Random.Next(50, 400));
        }
    }
}
