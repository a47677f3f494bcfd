using Woodpecker.Format.Journals;
using Woodpecker.Recovery;
using Woodpecker.Replicas;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>Bytes that change at rest: found, told, and never served.</summary>
public sealed class DamageTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));

    [Fact]
    public async Task BitRot_RaisesTheGeneration_AndNeverGivesOtherBytes() // R10, R11, INV-31
    {
        var (script, disk) = await FilledAsync();
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        var end = EndOf(disk.ReadAll(name));
        var random = new Random(1);
        for (var round = 0; round < 150; round++)
        {
            var damaged = disk.Restart();
            var position = random.NextInt64(JournalFileHeader.Size, end);
            damaged.Corrupt(name, position, value => (byte)(value ^ (1 << random.Next(8))));
            using var replica = new ReplicaFixture(damaged);
            var info = replica.Store.Find(_key);
            if (replica.Store.Self.Generation == 0)
            {
                // Only zeros between records may change unnoticed.
                Assert.Equal(script.Last, info!.DurableEntry);
            }

            if (info is null)
                continue;
            var frames = await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), info.DurableEntry);
            Assert.Equal(script.Frames.Take((int)info.DurableEntry.Value + 1), frames);
            if (info.DurableEntry < script.Last)
            {
                var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon());
                Assert.NotEqual(MemberHealth.Clean, answer.Reply!.Value.Health);
            }
        }
    }

    [Fact]
    public async Task NewGeneration_TakesNoAppends_ForOlderSegments() // R10, INV-12
    {
        var (script, disk) = await FilledAsync();
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(name, EndOf(disk.ReadAll(name)) - 4096, value => (byte)(value ^ 1));
        using var replica = new ReplicaFixture(disk);
        Assert.Equal(1u, replica.Store.Self.Generation);
        var refused = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), new RecordingSink(), ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.OldGeneration, refused!.Value.Kind);
        var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon());
        Assert.NotEqual(MemberHealth.Clean, answer.Reply!.Value.Health);
        var next = new SegmentScript(new SegmentKey(_key.Log, new SegmentId(1)), new LogEpoch(2), replica.Store.Self);
        await ReplicaStoreTests.AppendAsync(replica, next, new RecordingSink(), 3);
    }

    [Fact]
    public async Task RotInTheMiddle_MarksTheCopyAsDamaged() // J9, R11
    {
        var (script, disk) = await FilledAsync();
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(name, disk.ReadAll(name).AsSpan().IndexOf(script.Frames[5]) + 200, value => (byte)(value ^ 1));
        using var replica = new ReplicaFixture(disk);
        var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon());
        Assert.Equal(MemberHealth.Damaged, answer.Reply!.Value.Health);
        var tail = await replica.Store.ReadTailAsync(
            _key, replica.Store.Find(_key)!.DurableEntry + 1, 1, TimeSpan.Zero, ReplicaFixture.Soon());
        Assert.Equal(TailAnswerKind.Corrupt, tail.Kind); // V2: corrupt is not "not yet"
    }

    [Fact]
    public async Task GenerationRemembersAmbiguity_OverCleanRestarts() // R11
    {
        var (_, disk) = await FilledAsync();
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(name, EndOf(disk.ReadAll(name)) - 4096, value => (byte)(value ^ 1));
        for (var round = 0; round < 3; round++)
        {
            using (var replica = new ReplicaFixture(disk))
                Assert.Equal(1u, replica.Store.Self.Generation);
            disk = disk.Restart();
        }
    }

    [Fact]
    public async Task RotMetWhileRunning_IsAnswered_AndRaisesTheGeneration()
    {
        var (script, disk) = await FilledAsync();
        using var replica = new ReplicaFixture(disk);
        var raised = 0;
        replica.Store.GenerationRaised += () => Interlocked.Increment(ref raised);
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(name, disk.ReadAll(name).AsSpan().IndexOf(script.Frames[5]) + 200, value => (byte)(value ^ 1));
        var failure = await Assert.ThrowsAsync<WoodpeckerException>(
            () => ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
        Assert.Equal(ErrorKind.Corrupt, failure.Kind);
        Assert.Equal(1, raised);
        Assert.Equal(1u, replica.Store.Self.Generation);
        Assert.True(replica.Store.Find(_key)!.IsDamaged);
        Assert.Equal(new EntryId(4), replica.Store.Find(_key)!.DurableEntry);
    }

    [Fact]
    public async Task OneRottenSuperblock_IsRepaired_TwoStopTheBoot() // R1
    {
        var (_, disk) = await FilledAsync();
        var one = disk.Restart();
        one.Corrupt("superblock", 40, value => (byte)(value ^ 1));
        using (var replica = new ReplicaFixture(one))
            Assert.Equal(1u, replica.Store.Self.Generation);
        using (var replica = new ReplicaFixture(one.Restart()))
            Assert.Equal(1u, replica.Store.Self.Generation);
        disk.Corrupt("superblock", 40, value => (byte)(value ^ 1));
        disk.Corrupt("superblock", 4096 + 40, value => (byte)(value ^ 1));
        Assert.Equal("WrongStore", Assert.Throws<WoodpeckerException>(() => new ReplicaFixture(disk)).Reason);
    }

    [Fact]
    public async Task RottenFileHeader_IsSetAside_AndCountsOnce() // J9, R10
    {
        var (_, disk) = await FilledAsync();
        var name = disk.List().First(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(name, 100, value => (byte)(value ^ 1));
        using (var replica = new ReplicaFixture(disk))
            Assert.Equal(1u, replica.Store.Self.Generation);
        Assert.Contains("dead-" + name, disk.List());
        using (var replica = new ReplicaFixture(disk.Restart()))
            Assert.Equal(1u, replica.Store.Self.Generation);
    }

    [Fact]
    public async Task StaleRecordsOfARecycledFile_AreNeverRead() // J3
    {
        var disk = new SimulatedDisk();
        using (var replica = new ReplicaFixture(disk))
        {
            for (ulong segment = 0; segment < 12; segment++)
            {
                var key = new SegmentKey(_key.Log, new SegmentId(segment));
                var script = new SegmentScript(key, new LogEpoch(1), replica.Store.Self);
                await ReplicaStoreTests.AppendAsync(replica, script, new RecordingSink(), 30, payload: 4_000);
                await replica.Store.SealAsync(key, script.Epoch, script.Last, script.Chain, ReplicaFixture.Soon());
                await replica.Store.DropAsync(key, DropReason.Truncated, default, ReplicaFixture.Soon());
            }
        }

        using var again = new ReplicaFixture(disk.Restart());
        Assert.Empty(again.Store.List());
        Assert.Equal(0u, again.Store.Self.Generation);
    }

    private static async Task<(SegmentScript Script, SimulatedDisk Disk)> FilledAsync()
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        for (var i = 0; i < 10; i++)
            await ReplicaStoreTests.AppendAsync(replica, script, sink, 1, payload: 1_500);
        replica.Dispose();
        return (script, disk.Restart());
    }

    // Behind the last byte that is not zero.
    private static long EndOf(byte[] file)
    {
        var last = Array.FindLastIndex(file, value => value != 0);
        return ((last / 4096) + 1) * 4096;
    }
}
