using Woodpecker.Format.Journals;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Tests.Replicas;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Recovery;

/// <summary>A full journal keeps its promises: it can be fenced, sealed, restarted and emptied (R9, U8).</summary>
public sealed class ReserveTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));
    private static readonly JournalOptions _journal = ReplicaFixture.SmallJournal with { Capacity = 6 * 128 * 1024 };

    [Fact]
    public async Task TheReserve_TakesFencesUntilItIsGone_ThenRefuses_AndNeverStopsTheStore() // R9, J5
    {
        using var replica = new ReplicaFixture(new SimulatedDisk { Capacity = 7 * 128 * 1024 }, _journal);
        var script = await FillAsync(replica);
        ReplicaRefusal? refusal = null;
        var fences = 0UL;
        while (refusal is null && fences < 10_000)
        {
            var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2 + fences), 0, ReplicaFixture.Soon());
            refusal = answer.Reply is null ? answer.Refusal : null;
            fences += answer.Reply is null ? 0UL : 1;
        }

        // Data may have come as far as the last file that the capacity allows; of that one it leaves almost nothing to others.
        Assert.InRange(fences, 3UL, 9_999UL);
        Assert.Equal(ReplicaRefusalKind.StorageFull, refusal!.Value.Kind);
        Assert.Equal(new LogEpoch(1 + fences), replica.Store.Promised(_key.Log)); // what was refused was not promised
        Assert.Empty(replica.Failures);

        // Giving room back works to the end.
        Assert.Null(await replica.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon()));
        await ReplicaStoreTests.WaitUntilAsync(() => replica.Store.FillRatio < 0.7);
        var next = new SegmentScript(new SegmentKey(script.Key.Log, new SegmentId(1)), new LogEpoch(20_000), replica.Store.Self);
        await ReplicaStoreTests.AppendAsync(replica, next, new RecordingSink(), 20, payload: 4_000);
        Assert.Empty(replica.Failures);
    }

    [Fact]
    public async Task AFullStore_BootsAgainAndAgain_AndIsEmptiedThen() // R9, J9
    {
        var disk = new SimulatedDisk();
        SegmentScript script;
        using (var replica = new ReplicaFixture(disk, _journal))
            script = await FillAsync(replica);
        for (var round = 0UL; round < 12; round++)
        {
            disk = disk.Restart();
            using var replica = new ReplicaFixture(disk, _journal);
            Assert.Equal(0u, replica.Store.Self.Generation);
            Assert.NotNull((await replica.Store.FenceAsync(_key, new LogEpoch(5 + round), 0, ReplicaFixture.Soon())).Reply);
            var info = replica.Store.Find(_key)!;
            Assert.Equal(
                script.Frames.Take((int)info.DurableEntry.Value + 1),
                await ReplicaStoreTests.ReadAllAsync(replica.Store, new EntryId(0), script.Last));
            Assert.Empty(replica.Failures);
        }

        using var last = new ReplicaFixture(disk.Restart(), _journal);
        Assert.Null(await last.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon()));
        await ReplicaStoreTests.WaitUntilAsync(() => last.Store.FillRatio < 0.7);
    }

    [Fact]
    public async Task AFullDisk_BootsWithASmallerFile() // R9
    {
        // Room for three whole files, a superblock and a part of a file.
        var disk = new SimulatedDisk { Capacity = (3 * 128 * 1024) + (2 * 4_096) + (120 * 1024) };
        using (var replica = new ReplicaFixture(disk, _journal))
            await FillAsync(replica);
        disk = disk.Restart();
        using (var replica = new ReplicaFixture(disk, _journal))
        {
            Assert.NotNull((await replica.Store.FenceAsync(_key, new LogEpoch(5), 0, ReplicaFixture.Soon())).Reply);
            Assert.Null(await replica.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon()));
            Assert.Empty(replica.Failures);
        }

        using var again = new ReplicaFixture(disk.Restart(), _journal);
        Assert.Equal(new LogEpoch(5), again.Store.Promised(_key.Log));
        Assert.Null(again.Store.Find(_key));
    }

    [Fact]
    public async Task AFullJournal_TakesAnyNumberOfFences_AndIsEmptied_WhileTheDiskHasRoom() // R9, U8, INV-45
    {
        using var replica = new ReplicaFixture(new SimulatedDisk(), _journal with { SpareFiles = 1 });
        await FillAsync(replica);
        // Many files full of promises: each is given back after two newer checkpoints (J10), so only a few are added.
        for (var i = 0UL; i < 300; i++)
        {
            await FenceAsync(replica, _key, new LogEpoch(2 + i));
            Assert.InRange(replica.Store.FillRatio, 0.8, 10.0 / 6);
        }

        // Data stays out, however much room the reserve has.
        var other = new SegmentScript(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        var refusal = await replica.Store.OpenSegmentAsync(other.Key, other.Epoch, other.EncodedHeader, new RecordingSink(), ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.StorageFull, refusal!.Value.Kind);
        Assert.Null(await replica.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon()));
        await ReplicaStoreTests.WaitUntilAsync(() => replica.Store.FillRatio < 0.7);
        await ReplicaStoreTests.AppendAsync(replica, other, new RecordingSink(), 20, payload: 4_000);
        Assert.Empty(replica.Failures);
    }

    [Fact]
    public async Task AFullJournal_TakesTheCopiesOfARecovery_WhileTheDiskHasRoom() // T6, R9, INV-44
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk, _journal with { SpareFiles = 1 });
        await FillAsync(replica);
        var ended = new SegmentScript(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        var epoch = new LogEpoch(2);
        await FenceAsync(replica, ended.Key, epoch);
        Assert.Null(await replica.Store.RecoveryHeaderAsync(ended.Key, epoch, ended.EncodedHeader, ReplicaFixture.Soon()));
        using var limit = new CancellationTokenSource(ReplicaFixture.Limit);
        for (var i = 0; i < 40; i++)
        {
            // Refused only for the moment in which the reserve was taken and the next one is being made.
            var frame = ended.Next(4_000);
            while (await replica.Store.RecoveryAppendAsync(ended.Key, epoch, frame, limit.Token) is { } moment)
            {
                Assert.Equal(ReplicaRefusalKind.StorageFull, moment.Kind);
                limit.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        Assert.Equal(ended.Last, await replica.Store.FlushAsync(ended.Key, ReplicaFixture.Soon()));

        // A disk without room keeps its reserve for fences, seals and drops, once it is there.
        await ReplicaStoreTests.WaitUntilAsync(() => disk.List().Any(static name => name.StartsWith("spare-", StringComparison.Ordinal)));
        disk.Capacity = 1;
        ReplicaRefusal? refusal = null;
        for (var i = 0; i < 200 && refusal is null; i++)
            refusal = await replica.Store.RecoveryAppendAsync(ended.Key, epoch, ended.Next(4_000), ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.StorageFull, refusal!.Value.Kind);
        Assert.NotNull((await replica.Store.FenceAsync(ended.Key, new LogEpoch(3), 0, ReplicaFixture.Soon())).Reply);
        Assert.Empty(replica.Failures);
    }

    [Fact]
    public async Task Data_IsSlowedDown_BeforeItIsRefused() // U8
    {
        var waits = new List<TimeSpan>();
        foreach (var fill in (double[])[0.85, 0.90, 0.95])
        {
            var pacer = new FillPacer(0.85, 0.95, TimeProvider.System);
            Assert.True(pacer.IsSlow(fill));
            waits.Add(pacer.Charge(fill, 2 * 1024 * 1024));
            // Never so long that a writer gives the member up for being slow (W3).
            Assert.InRange(pacer.Charge(fill, int.MaxValue), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        }

        Assert.Equal(waits.Order(), waits);
        Assert.True(waits[2] > 4 * waits[0], string.Join(", ", waits));
        Assert.False(new FillPacer(0.85, 0.95, TimeProvider.System).IsSlow(0.84));

        // And the store still takes everything until it is full, in order.
        using var replica = new ReplicaFixture(new SimulatedDisk(), _journal);
        await FillAsync(replica);
        Assert.Empty(replica.Failures);
    }

    // Refused only for the moment in which the reserve was taken and the next one is being made.
    private static async Task FenceAsync(ReplicaFixture replica, SegmentKey key, LogEpoch epoch)
    {
        using var limit = new CancellationTokenSource(ReplicaFixture.Limit);
        while (true)
        {
            var answer = await replica.Store.FenceAsync(key, epoch, 0, limit.Token);
            if (answer.Reply is not null)
                return;
            Assert.Equal(ReplicaRefusalKind.StorageFull, answer.Refusal.Kind);
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static async Task<SegmentScript> FillAsync(ReplicaFixture replica)
    {
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        Assert.Null(await replica.Store.OpenSegmentAsync(_key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon()));
        for (var i = 0; i < 1_000; i++)
        {
            if (await replica.Store.AppendAsync(_key, script.Epoch, script.Next(4_000), sink, ReplicaFixture.Soon()) is { } refusal)
            {
                Assert.Equal(ReplicaRefusalKind.StorageFull, refusal.Kind);
                return script;
            }

            await sink.WaitAsync(_key, script.Last);
        }

        throw new InvalidOperationException("the journal never became full");
    }
}
