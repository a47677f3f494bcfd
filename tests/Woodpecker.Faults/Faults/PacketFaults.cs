using System.Net;
using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>Partitions by the kernel, which loses packets: both ways, one way, for moments again and again.</summary>
internal static class PacketFaults
{
    private const LostPackets Both = LostPackets.Requests | LostPackets.Replies;

    public static IReadOnlyList<Fault> All { get; } =
    [
        Of("packets of a replica lost", Both, static c => [AnyReplica(c)]),
        Of("packets to a replica lost", LostPackets.Requests, static c => [AnyReplica(c)]),
        Of("packets from a replica lost", LostPackets.Replies, static c => [AnyReplica(c)]),
        Of("packets of all replicas lost", Both, static c => [.. FaultSystem.Replicas.Select(r => c.System.AppLink(r).Address)]),
        Of("packets between writer and etcd lost", Both, static c => [Writer(c)]),
        Of("packets from etcd to the writer lost", LostPackets.Replies, static c => [Writer(c)]),
        Of("packets of all to etcd lost", LostPackets.Requests, static c => [.. c.System.MetadataLinks.Select(static l => l.Address)]),
        Of("packets of the object store lost", Both, static c => [c.System.StoreAddress]) with
        {
            WhyNot = static s => s.Store is null ? "no real S3 server" : WhyNot(s),
        },
        new("packets of a replica lost at moments", FlapAsync)
        {
            WhyNot = WhyNot, Phases = [Phase.Steady, Phase.Roll, Phase.Takeover, Phase.Upload], WhyOnlyThese = Reason,
        },
    ];

    private const string Reason = "there the links are cut instead";

    private static string? WhyNot(FaultSystem system) => system.Packets is null ? system.WhyNoPackets : null;

    private static IPAddress AnyReplica(FaultContext c)
    {
        var replica = c.AnyReplica();
        c.Notes.Add(replica);
        return c.System.AppLink(replica).Address;
    }

    private static IPAddress Writer(FaultContext c)
    {
        c.Notes.Add(c.Owner);
        return c.System.MetadataLink(c.Owner).Address;
    }

    private static Fault Of(string name, LostPackets lost, Func<FaultContext, IPAddress[]> links) => new(name, async c =>
    {
        foreach (var address in links(c))
            c.System.Packets!.Lose(address, lost);
        await Task.Delay(c.Duration);
        c.System.Packets!.LoseNothing();
    })
    {
        WhyNot = WhyNot,
        Phases = [Phase.Steady, Phase.Roll, Phase.Takeover, Phase.Upload, Phase.CatchUp],
        WhyOnlyThese = Reason,
    };

    private static async Task FlapAsync(FaultContext c)
    {
        var address = AnyReplica(c);
        var start = TimeProvider.System.GetTimestamp();
        var times = 0;
        while (TimeProvider.System.GetElapsedTime(start) < c.Duration)
        {
            c.System.Packets!.Lose(address, (LostPackets)c.Random.Next(1, 4));
            await Task.Delay(c.Random.Next(20, 200));
            c.System.Packets.LoseNothing();
            await Task.Delay(c.Random.Next(20, 300));
            times++;
        }

        c.Notes.Add($"{times} times");
    }
}
