using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>The power fails after every single disk operation; what was answered must be there afterwards.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task WhatWasAnswered_SurvivesACrashAfterEveryOperation() // INV-10, INV-11, INV-13
    {
        var whole = new SimulatedDisk();
        await new CrashScript().RunAsync(whole);
        Assert.False(whole.IsStopped);
        for (var stop = 0; stop <= whole.Operations; stop++)
        {
            var disk = new SimulatedDisk();
            disk.StopAfter(stop);
            var script = new CrashScript();
            await script.RunAsync(disk);
            var random = new Random(stop);
            await CheckAsync(script, disk.Reboot(random), random, stop);
        }
    }

    [Fact]
    public async Task ACrashDuringTheBootAfterACrash_LosesNothingEither()
    {
        for (var stop = 40; stop <= 130; stop += 9)
        {
            var disk = new SimulatedDisk();
            disk.StopAfter(stop);
            var script = new CrashScript();
            await script.RunAsync(disk);
            var random = new Random(stop);
            for (var again = 0; again < 12; again++)
            {
                disk = disk.Reboot(random);
                disk.StopAfter(again);
                try
                {
                    new ReplicaFixture(disk).Dispose();
                }
                catch (IOException)
                {
                }
            }

            await CheckAsync(script, disk.Reboot(random), random, stop);
        }
    }

    private static async Task CheckAsync(CrashScript script, SimulatedDisk disk, Random random, int stop)
    {
        using (var replica = new ReplicaFixture(disk))
        {
            await CheckStoreAsync(script, replica, stop);
            Assert.Empty(replica.Failures);
        }

        // And again after a second power failure: the boot itself made everything durable (J7, R10).
        var generation = 0u;
        disk = disk.Reboot(random);
        using (var replica = new ReplicaFixture(disk))
        {
            generation = replica.Store.Self.Generation;
            await CheckStoreAsync(script, replica, stop);
        }

        // A boot that reads what a boot wrote finds nothing unreadable.
        using (var replica = new ReplicaFixture(disk.Restart()))
            Assert.Equal(generation, replica.Store.Self.Generation);
    }

    private static async Task CheckStoreAsync(CrashScript script, ReplicaFixture replica, int stop)
    {
        if (script.Self.NodeId is not null)
            Assert.True(replica.Store.Self.IsSameStore(script.Self), $"stop {stop}: another store");
        foreach (var (log, epoch) in script.Promised)
            Assert.True(replica.Store.Promised(log) >= epoch, $"stop {stop}: a promise is gone"); // INV-11
        foreach (var one in script.Scripts)
        {
            if (script.Dropped.Contains(one.Key))
                continue;
            var acked = script.Acked(one.Key);
            var info = replica.Store.Find(one.Key);
            Assert.True(acked is null || info is not null, $"stop {stop}: segment {one.Key} is gone");
            if (info is null)
                continue;
            Assert.True(info.DurableEntry >= (acked ?? EntryId.None), $"stop {stop}: {one.Key} ends at {info.DurableEntry}, acked {acked}");
            Assert.False(info.IsPoisoned);
            if (script.Sealed.TryGetValue(one.Key, out var last))
                Assert.Equal(last, info.SealedEntry); // R7
            var frames = await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), info.DurableEntry, one.Key);
            Assert.Equal(one.Frames.Take((int)info.DurableEntry.Value + 1), frames); // INV-2
            Assert.Equal(one.EncodedHeader, (await replica.Store.ReadHeaderAsync(one.Key, ReplicaFixture.Soon())).ToArray());
        }
    }
}
