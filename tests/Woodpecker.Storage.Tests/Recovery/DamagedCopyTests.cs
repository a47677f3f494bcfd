using Woodpecker.Format.Journals;
using Woodpecker.Recovery;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>What a copy with a gap still promises: what it says it holds is readable, now and after every restart.</summary>
public sealed class DamagedCopyTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));
    private static readonly LogEpoch _recoverer = new(2);

    [Fact]
    public async Task FramesThatARecovererBroughtBehindTheGap_SurviveRestarts() // R4, R6, INV-10, INV-17
    {
        var (script, disk) = await FilledAsync(10, payload: 1_500);
        FlipIn(disk, script, frame: 5);
        using (var replica = new ReplicaFixture(disk))
        {
            Assert.Equal(new EntryId(4), replica.Store.Find(_key)!.DurableEntry);
            Assert.Equal(MemberHealth.Damaged, (await FenceAsync(replica)).Health);
            Assert.Equal(script.Last, await CopyAsync(replica, script, from: 5));
        }

        await AssertWholeAsync(disk, script, restarts: 3);
    }

    [Fact]
    public async Task DamageMetWhileRunning_IsKnownAfterARestart_AndRepairedFramesWin() // R10, R11, J11
    {
        var (script, disk) = await FilledAsync(60, payload: 4_000);
        FlipIn(disk, script, frame: 5);
        using (var replica = new ReplicaFixture(disk))
        {
            // The file was closed with an index: the boot does not scan it again.
            Assert.Equal(0u, replica.Store.Self.Generation);
            await Assert.ThrowsAsync<WoodpeckerException>(
                () => ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
            Assert.Equal(1u, replica.Store.Self.Generation);
            await replica.Store.FlushAsync(_key, ReplicaFixture.Soon());
        }

        disk = disk.Restart();
        using (var replica = new ReplicaFixture(disk))
        {
            var info = replica.Store.Find(_key)!;
            Assert.True(info.IsDamaged);
            Assert.Equal(new EntryId(4), info.DurableEntry);
            Assert.Equal(1u, replica.Store.Self.Generation);
            await FenceAsync(replica);
            Assert.Equal(script.Last, await CopyAsync(replica, script, from: 5));
        }

        await AssertWholeAsync(disk, script, restarts: 2);
    }

    [Fact]
    public async Task RecordsBehindAGap_StayDead_AlsoWhenTheGapIsFilled() // J9, MUT-14
    {
        var (script, disk) = await FilledAsync(10, payload: 1_500);
        FlipIn(disk, script, frame: 5);
        using (var replica = new ReplicaFixture(disk))
        {
            await FenceAsync(replica);
            Assert.Null(await replica.Store.RecoveryAppendAsync(_key, _recoverer, script.Frames[5], ReplicaFixture.Soon()));
            Assert.Equal(new EntryId(5), await replica.Store.FlushAsync(_key, ReplicaFixture.Soon()));
        }

        for (var round = 0; round < 3; round++)
        {
            disk = disk.Restart();
            // Also when the scan has to begin before the checkpoint that did not cover them.
            if (round == 2)
                FlipRecord(disk, Files(disk)[^1], RecordType.Checkpoint);
            using var replica = new ReplicaFixture(disk);
            Assert.Equal(new EntryId(5), replica.Store.Find(_key)!.DurableEntry);
            Assert.Equal(script.Frames[..6], await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
        }
    }

    [Fact]
    public async Task ARottenHeader_RaisesTheGenerationOnce_AndTheFramesStay() // R10, R11, R13
    {
        var (script, disk) = await FilledAsync(60, payload: 4_000);
        FlipAt(disk, script.EncodedHeader, 20);
        using (var replica = new ReplicaFixture(disk))
        {
            for (var look = 0; look < 3; look++)
                Assert.True((await replica.Store.ReadHeaderAsync(_key, ReplicaFixture.Soon())).IsEmpty);
            Assert.Equal(1u, replica.Store.Self.Generation);
            await replica.Store.FlushAsync(_key, ReplicaFixture.Soon());
        }

        disk = disk.Restart();
        using (var replica = new ReplicaFixture(disk))
        {
            Assert.Equal(1u, replica.Store.Self.Generation);
            var reply = await FenceAsync(replica);
            Assert.False(reply.HasHeader);
            Assert.Equal(MemberHealth.Damaged, reply.Health);
            Assert.Equal(script.Frames, await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));

            // A recoverer brings it again, and now it is written (INV-17).
            Assert.Null(await replica.Store.RecoveryHeaderAsync(_key, _recoverer, script.EncodedHeader, ReplicaFixture.Soon()));
            await replica.Store.FlushAsync(_key, ReplicaFixture.Soon());
            Assert.Equal(script.EncodedHeader, (await replica.Store.ReadHeaderAsync(_key, ReplicaFixture.Soon())).ToArray());
        }

        await AssertWholeAsync(disk, script, restarts: 2);
    }

    [Fact]
    public async Task ARottenIndex_IsBuiltAgain_WithoutWhatASealCutOff() // J11, R7
    {
        var (script, disk) = await FilledAsync(60, payload: 4_000);
        var sealedEntry = new EntryId(20);
        using (var replica = new ReplicaFixture(disk))
        {
            Assert.Null(await replica.Store.SealAsync(
                _key, _recoverer, sealedEntry, script.ChainAt(sealedEntry), ReplicaFixture.Soon()));
        }

        disk = disk.Restart();
        using (new ReplicaFixture(disk))
        {
            // Writes a checkpoint that knows the seal.
        }

        disk = disk.Restart();
        FlipRecord(disk, Files(disk)[0], RecordType.FileIndex);
        for (var round = 0; round < 2; round++)
        {
            using (var replica = new ReplicaFixture(disk))
            {
                Assert.Equal(1u, replica.Store.Self.Generation);
                Assert.Equal(sealedEntry, replica.Store.Find(_key)!.DurableEntry);
                Assert.Equal(
                    script.Frames[..21], await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
                Assert.Empty(replica.Failures);
            }

            disk = disk.Restart();
        }
    }

    [Fact]
    public async Task AScrub_FindsWhatTheBootDoesNotRead_AndTellsReadersCorrupt() // J11, R11, INV-31
    {
        var (script, disk) = await FilledAsync(60, payload: 4_000);
        FlipIn(disk, script, frame: 7);
        using var replica = new ReplicaFixture(disk);
        Assert.Equal(MemberHealth.Clean, (await FenceAsync(replica)).Health);
        await Assert.ThrowsAsync<WoodpeckerException>(
            () => ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
        Assert.Equal(MemberHealth.Damaged, (await FenceAsync(replica)).Health);
        replica.Store.Confirm(_key, script.Epoch, script.Last);
        var tail = await replica.Store.ReadTailAsync(_key, new EntryId(7), 1 << 20, TimeSpan.Zero, ReplicaFixture.Soon());
        Assert.Equal(TailAnswerKind.Corrupt, tail.Kind);

        // Other segments that name this generation go on; those of the old one take nothing more (R10).
        var other = new SegmentScript(new SegmentKey(_key.Log, new SegmentId(1)), _recoverer, replica.Store.Self);
        await ReplicaStoreTests.AppendAsync(replica, other, new RecordingSink(), 3);
    }

    private static async Task<FenceReply> FenceAsync(ReplicaFixture replica)
    {
        var answer = await replica.Store.FenceAsync(_key, _recoverer, 0, ReplicaFixture.Soon());
        return answer.Reply!.Value;
    }

    private static async Task<EntryId> CopyAsync(ReplicaFixture replica, SegmentScript script, int from)
    {
        for (var i = from; i < script.Frames.Count; i++)
            Assert.Null(await replica.Store.RecoveryAppendAsync(_key, _recoverer, script.Frames[i], ReplicaFixture.Soon()));
        return await replica.Store.FlushAsync(_key, ReplicaFixture.Soon());
    }

    private static async Task AssertWholeAsync(SimulatedDisk disk, SegmentScript script, int restarts)
    {
        for (var round = 0; round < restarts; round++)
        {
            disk = disk.Restart();
            using var replica = new ReplicaFixture(disk);
            Assert.Equal(1u, replica.Store.Self.Generation);
            Assert.Equal(script.Last, replica.Store.Find(_key)!.DurableEntry);
            Assert.True(replica.Store.Find(_key)!.IsDamaged); // a copy that was once damaged is never Clean again
            Assert.Equal(script.Frames, await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
            Assert.Equal(script.EncodedHeader, (await replica.Store.ReadHeaderAsync(_key, ReplicaFixture.Soon())).ToArray());
        }
    }

    private static async Task<(SegmentScript Script, SimulatedDisk Disk)> FilledAsync(int frames, int payload)
    {
        var disk = new SimulatedDisk();
        using (var replica = new ReplicaFixture(disk))
        {
            var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
            var sink = new RecordingSink();
            for (var i = 0; i < frames; i++)
                await ReplicaStoreTests.AppendAsync(replica, script, sink, 1, payload);
            replica.Dispose();
            return (script, disk.Restart());
        }
    }

    private static List<string> Files(SimulatedDisk disk) =>
        [.. disk.List().Where(one => one.StartsWith("j-", StringComparison.Ordinal))];

    private static void FlipIn(SimulatedDisk disk, SegmentScript script, int frame) => FlipAt(disk, script.Frames[frame], 200);

    private static void FlipAt(SimulatedDisk disk, byte[] content, int offset)
    {
        foreach (var name in Files(disk))
        {
            var at = disk.ReadAll(name).AsSpan().IndexOf(content);
            if (at < 0)
                continue;
            disk.Corrupt(name, at + offset, value => (byte)(value ^ 4));
            return;
        }

        Assert.Fail("the bytes stand in no file");
    }

    private static void FlipRecord(SimulatedDisk disk, string name, RecordType type)
    {
        var file = disk.ReadAll(name);
        Assert.True(JournalFileHeader.Read(file, out var header).IsOk);
        for (var at = JournalFileHeader.Size; at + RecordHeader.Size <= file.Length; at += RecordHeader.Alignment)
        {
            if (!RecordHeader.Read(file.AsSpan(at), out var record).IsOk || record.FileNonce != header.FileNonce || record.Type != type)
                continue;
            disk.Corrupt(name, at + RecordHeader.Size + (record.BodyLength / 2), value => (byte)(value ^ 4));
            return;
        }

        Assert.Fail($"{name} holds no {type}");
    }
}
