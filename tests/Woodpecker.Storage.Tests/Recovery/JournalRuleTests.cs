using Woodpecker.Format.Journals;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>Rules of the journal that only power failures, failing disks and rot in its own records can show.</summary>
public sealed class JournalRuleTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));

    [Fact]
    public async Task AFenceOfALogNeverSeen_IsDurableBeforeTheReply() // R5, MUT-04, MUT-06
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var disk = new SimulatedDisk();
            using (var replica = new ReplicaFixture(disk))
            {
                var answer = await replica.Store.FenceAsync(_key, new LogEpoch(9), 0, ReplicaFixture.Soon());
                Assert.False(answer.Reply!.Value.HasHeader);
                // The power fails the moment the reply is out: nothing that happens later helps.
                disk = disk.Reboot(new Random(seed));
            }

            using var after = new ReplicaFixture(disk);
            Assert.Equal(new LogEpoch(9), after.Store.Promised(_key.Log)); // INV-11
            var late = new SegmentScript(_key, new LogEpoch(8), after.Store.Self);
            var refused = await after.Store.OpenSegmentAsync(
                _key, late.Epoch, late.EncodedHeader, new RecordingSink(), ReplicaFixture.Soon());
            Assert.Equal(ReplicaRefusalKind.Fenced, refused!.Value.Kind);
        }
    }

    [Fact]
    public async Task AnAckedAppend_ImpliesTheDurablePromiseOfItsEpoch() // R2, R4
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var disk = new SimulatedDisk();
            using (var replica = new ReplicaFixture(disk))
            {
                var script = new SegmentScript(_key, new LogEpoch(6), replica.Store.Self);
                await ReplicaStoreTests.AppendAsync(replica, script, new RecordingSink(), 1);
                disk = disk.Reboot(new Random(seed));
            }

            using var after = new ReplicaFixture(disk);
            Assert.Equal(new LogEpoch(6), after.Store.Promised(_key.Log));
            Assert.Equal(new EntryId(0), after.Store.Find(_key)!.DurableEntry);
        }
    }

    [Fact]
    public async Task TheLacOfJournaledFrames_ComesBack_AnExplicitOneMayNot() // R8
    {
        var disk = new SimulatedDisk();
        using (var replica = new ReplicaFixture(disk))
        {
            var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
            var sink = new RecordingSink();
            await ReplicaStoreTests.AppendAsync(replica, script, sink, 3);
            await replica.Store.AppendAsync(_key, script.Epoch, script.Next(lac: new EntryId(2)), sink, ReplicaFixture.Soon());
            await sink.WaitAsync(_key, script.Last);
            replica.Store.Confirm(_key, script.Epoch, new EntryId(3));
        }

        using var after = new ReplicaFixture(disk.Restart());
        Assert.InRange(after.Store.Find(_key)!.ConfirmedEntry.Value, 2, 3);
    }

    [Fact]
    public async Task AnyFailedOperation_StopsTheStoreForGood_AndNothingIsAckedAfterwards() // J5, R4, MUT-12
    {
        // Enough frames for several files, so that creating, renaming and syncing of names are among what fails.
        for (var at = 0; at < 120; at += 3)
        {
            var disk = new SimulatedDisk();
            using var replica = new ReplicaFixture(disk);
            var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
            var sink = new RecordingSink();
            await ReplicaStoreTests.AppendAsync(replica, script, sink, 1);
            disk.FailOperation(at);
            while (!replica.Latch.IsTripped && script.Frames.Count < 70)
            {
                var refusal = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(4_000), sink, ReplicaFixture.Soon());
                var acked = sink.WaitAsync(_key, script.Last);
                await ReplicaStoreTests.WaitUntilAsync(() => acked.IsCompleted || replica.Latch.IsTripped || refusal is not null);
            }

            if (!replica.Latch.IsTripped)
                continue;
            var last = sink.Acked(_key)!.Value;
            var operations = disk.Operations;
            var refused = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), sink, ReplicaFixture.Soon());
            Assert.Equal(ReplicaRefusalKind.Unavailable, refused!.Value.Kind);
            Assert.Single(replica.Failures);
            replica.Dispose();
            Assert.True(sink.Acked(_key) == last, $"operation {at}: acked after the failure");
            Assert.InRange(disk.Operations - operations, 0, 3); // at most what the other thread had begun; nothing is tried again

            // J6, J7: the next process believes the disk, not what the failed one had in its cache.
            using var next = new ReplicaFixture(disk.Restart());
            var info = next.Store.Find(_key)!;
            Assert.True(info.DurableEntry >= last, $"operation {at}: ends at {info.DurableEntry}, acked {last}");
            Assert.Equal(
                script.Frames.Take((int)info.DurableEntry.Value + 1),
                await ReplicaStoreTests.ReadAllAsync(next.Store, new EntryId(0), script.Last));
        }
    }

    [Fact]
    public async Task WhatABootFound_StaysFound_WhenThePowerFailsNext() // J6, J7, MUT-13
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var disk = new SimulatedDisk();
            var script = default(SegmentScript)!;
            using (var replica = new ReplicaFixture(disk))
            {
                script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
                var sink = new RecordingSink();
                await ReplicaStoreTests.AppendAsync(replica, script, sink, 3, payload: 3_000);
                disk.FailSync(0);
                await replica.Store.AppendAsync(_key, script.Epoch, script.Next(3_000), sink, ReplicaFixture.Soon());
                await ReplicaStoreTests.WaitUntilAsync(() => replica.Latch.IsTripped);
            }

            disk = disk.Restart();
            EntryId told;
            using (var replica = new ReplicaFixture(disk))
            {
                var reply = (await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon())).Reply!.Value;
                told = reply.DurableEntry;
                Assert.True(told >= new EntryId(2));
                disk = disk.Reboot(new Random(seed));
            }

            using var after = new ReplicaFixture(disk);
            Assert.True(after.Store.Find(_key)!.DurableEntry >= told);
            Assert.Equal(new LogEpoch(2), after.Store.Promised(_key.Log));
        }
    }

    [Fact]
    public async Task FilesAreGivenBack_OnlyWhenTheDropIsDurable() // J10, INV-38, MUT-17
    {
        for (var stop = 0; stop < 60; stop += 2)
        {
            var disk = new SimulatedDisk();
            SegmentScript script;
            using (var replica = new ReplicaFixture(disk))
            {
                script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
                var other = new SegmentScript(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
                await ReplicaStoreTests.AppendAsync(replica, script, new RecordingSink(), 40, payload: 4_000);
                await ReplicaStoreTests.AppendAsync(replica, other, new RecordingSink(), 80, payload: 4_000);
                disk.StopAfter(stop);
                try
                {
                    await replica.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon());
                    // Whoever writes next would write over what was given back too early.
                    var sink = new RecordingSink();
                    for (var i = 0; i < 40 && !replica.Latch.IsTripped; i++)
                    {
                        await replica.Store.AppendAsync(other.Key, other.Epoch, other.Next(4_000), sink, ReplicaFixture.Soon());
                        var acked = sink.WaitAsync(other.Key, other.Last);
                        await ReplicaStoreTests.WaitUntilAsync(() => acked.IsCompleted || replica.Latch.IsTripped);
                    }
                }
                catch (Exception e) when (e is WoodpeckerException or IOException)
                {
                    // The power failed on the way.
                }
            }

            using var after = new ReplicaFixture(disk.Reboot(new Random(stop)));
            if (after.Store.Find(_key) is not { } info)
                continue;
            Assert.Equal(script.Last, info.DurableEntry); // whole or gone, never a part
            Assert.Equal(script.Frames, await ReplicaStoreTests.ReadAllAsync(after.Store, new EntryId(0), script.Last));
        }
    }

    [Fact]
    public async Task TheNewestCheckpointRots_TheOneBeforeServes() // J10, R10
    {
        var disk = new SimulatedDisk();
        SegmentScript script;
        using (var replica = new ReplicaFixture(disk))
        {
            await replica.Store.FenceAsync(new SegmentKey(new LogId(3), new SegmentId(4)), new LogEpoch(12), 0, ReplicaFixture.Soon());
            script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
            await ReplicaStoreTests.AppendAsync(replica, script, new RecordingSink(), 70, payload: 4_000);
        }

        disk = disk.Restart();
        var newest = disk.List().Last(one => one.StartsWith("j-", StringComparison.Ordinal));
        disk.Corrupt(newest, JournalFileHeader.Size + RecordHeader.Size + 20, value => (byte)(value ^ 1));
        using var after = new ReplicaFixture(disk);
        Assert.Equal(1u, after.Store.Self.Generation);
        Assert.Equal(new LogEpoch(12), after.Store.Promised(new LogId(3)));
        Assert.Equal(script.Last, after.Store.Find(_key)!.DurableEntry);
        Assert.Equal(script.Frames, await ReplicaStoreTests.ReadAllAsync(after.Store, new EntryId(0), script.Last));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public async Task ARaisedGeneration_IsInBothSuperblocks_SoNoneIsGivenOutTwice(int rottenCopy) // R1, R10
    {
        var disk = new SimulatedDisk();
        using (var replica = new ReplicaFixture(disk))
        {
            replica.Store.RaiseGenerationTo(3);
            await ReplicaStoreTests.AppendAsync(
                replica, new SegmentScript(_key, new LogEpoch(1), replica.Store.Self), new RecordingSink(), 1);
        }

        disk = disk.Restart();
        disk.Corrupt("superblock", rottenCopy + 40, value => (byte)(value ^ 1));
        using (var replica = new ReplicaFixture(disk))
            Assert.Equal(4u, replica.Store.Self.Generation);
        using (var replica = new ReplicaFixture(disk.Restart()))
            Assert.Equal(4u, replica.Store.Self.Generation);
    }

    [Fact]
    public void ASuperblockThatCannotBeWritten_StopsTheStore() // J5, R10
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        disk.FailSync(0);
        Assert.Equal(ErrorKind.Unavailable, Assert.Throws<WoodpeckerException>(() => replica.Store.RaiseGenerationTo(5)).Kind);
        Assert.True(replica.Latch.IsTripped);
        Assert.Equal(0u, replica.Store.Self.Generation); // nothing serves under a generation that is not durable
    }

    [Fact]
    public void AMemoryJournal_IsANewStoreAtEachStart() // J12, Z1
    {
        using var first = new ReplicaFixture(new MemoryMedium());
        using var second = new ReplicaFixture(new MemoryMedium());
        Assert.NotEqual(first.Store.Self.Incarnation, second.Store.Self.Incarnation);
        Assert.False(first.Store.Self.IsSameStore(second.Store.Self));
    }
}
