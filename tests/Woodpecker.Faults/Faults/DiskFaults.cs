using System.Globalization;
using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Running;
using Woodpecker.Faults.Shim;

namespace Woodpecker.Faults.Faults;

/// <summary>A replica's disk is full, slow or broken while it runs; clocks that are wrong.</summary>
internal static class DiskFaults
{
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("disk full", FullAsync) { WhyNot = static s => s.SmallDisk is null ? s.WhyNoSmallDisk : null },
        Broken("fsync error", new ShimFaults(SyncError: ShimFaults.InputOutput)),
        Broken("fsync on a read-only file system", new ShimFaults(SyncError: ShimFaults.ReadOnlyFileSystem)),
        Broken("write error", new ShimFaults(WriteError: ShimFaults.InputOutput)),
        Broken("no space left on write", new ShimFaults(WriteError: ShimFaults.NoSpace)),
        // The runtime writes the rest by itself, so nobody may notice anything.
        Of("short writes", static c => [c.AnyReplica()], static _ => new ShimFaults(HasShortWrites: true)),
        Of("disk slow (300 ms a sync)", static c => [c.AnyReplica()], static _ => new ShimFaults(SyncDelay: 300)),
        Of("clock of the writer +1 h", static c => [c.Owner], static _ => new ShimFaults(Clock: _hour)),
        Of("clock of the writer -1 h", static c => [c.Owner], static _ => new ShimFaults(Clock: -_hour)),
        Of("clock of a replica +1 h", static c => [c.AnyReplica()], static _ => new ShimFaults(Clock: _hour)),
        Of("clock of the compactor +1 h", static _ => ["compactor"], static _ => new ShimFaults(Clock: _hour)),
        Of("clocks of all jump", static _ => [.. FaultSystem.Writers, .. FaultSystem.Replicas, "reader", "compactor"],
            static r => new ShimFaults(Clock: r.Next(-3600, 3600) * TimeSpan.FromSeconds(1))),
    ];

    /// <summary>
    /// R9, U8: files that were made in advance go on being written; so much is appended that the replica needs another one and has
    /// no room for it.
    /// </summary>
    private static async Task FullAsync(FaultContext c)
    {
        var disk = c.System.SmallDisk!;
        var before = disk.Spares();
        disk.Fill();
        var bytes = await c.Loads[0].AppendMuchAsync(c.Duration * 4, () => disk.Spares() == 0);
        await Task.Delay(c.Duration / 2);
        var after = disk.Spares();
        disk.Empty();
        c.Notes.Add(c.System.IsEnded(FaultSystem.SmallDiskReplica) ? "the replica stopped itself" : "the replica went on");
        c.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000} MB appended; {before} spare files before, {after} after"));
    }

    /// <summary>J5: the first error ends the process; nothing is acknowledged past it.</summary>
    private static Fault Broken(string name, ShimFaults faults) => new(name, async c =>
    {
        var replica = c.AnyReplica();
        c.Notes.Add(replica);
        if (c.System.IsEnded(replica))
            return;
        var pid = c.System.System.Pid(replica);
        c.System.Shim!.Set(pid, faults);
        await Task.Delay(c.Duration);
        var hits = c.System.Shim.Hits(pid);
        c.Notes.Add($"{hits} errors");
        if (hits > 0 && !await c.System.EndsAsync(replica, TimeSpan.FromSeconds(5)))
            throw new InvalidOperationException($"{replica} met {hits} errors of its disk and went on (J5).");
        if (c.System.IsEnded(replica))
            await c.System.System.RestartAsync(replica);
        else
            c.System.Shim.Set(pid, default);
    })
    {
        WhyNot = static system => system.Shim is null ? system.WhyNoShim : null,
    };

    private static Fault Of(string name, Func<FaultContext, string[]> who, Func<Random, ShimFaults> faults) => new(name, async c =>
    {
        var services = who(c).Where(s => !c.System.IsEnded(s)).ToList();
        c.Notes.Add(string.Join(", ", services));
        var start = TimeProvider.System.GetTimestamp();
        do
        {
            foreach (var service in services.Where(s => !c.System.IsEnded(s)))
                c.System.Shim!.Set(c.System.System.Pid(service), faults(c.Random));
            await Task.Delay(1_000);
        }
        while (TimeProvider.System.GetElapsedTime(start) < c.Duration);
        foreach (var service in services.Where(s => !c.System.IsEnded(s)))
            c.System.Shim!.Set(c.System.System.Pid(service), default);
    })
    {
        WhyNot = static system => system.Shim is null ? system.WhyNoShim : null,
    };
}
