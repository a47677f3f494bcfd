using Woodpecker.Format.Journals;
using Woodpecker.Recovery;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Tests.Files;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Storage.Tests.Replicas;

public sealed class ReplicaStoreTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));

    [Theory]
    [InlineData("disk")]
    [InlineData("memory")]
    [InlineData("simulated")]
    public async Task AckedEntries_AreReadBack_Identical(string kind)
    {
        using var directory = new TempDirectory();
        using IJournalMedium medium = kind switch
        {
            "disk" => DiskMedium.OpenDirectory(directory.Path),
            "memory" => new MemoryMedium(),
            _ => new SimulatedDisk(),
        };
        using var replica = new ReplicaFixture(medium);
        var sink = new RecordingSink();
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        await AppendAsync(replica, script, sink, 50);
        var frames = await ReadAllAsync(replica.Store, EntryId.None + 1, script.Last);
        Assert.Equal(script.Frames, frames);
        Assert.Empty(replica.Failures);
    }

    [Fact]
    public async Task Restart_KeepsEntriesPromisesSealsAndIdentity()
    {
        using var directory = new TempDirectory();
        var script = default(SegmentScript)!;
        ReplicaId self;
        using (var medium = DiskMedium.OpenDirectory(directory.Path))
        using (var replica = new ReplicaFixture(medium))
        {
            self = replica.Store.Self;
            script = new SegmentScript(_key, new LogEpoch(1), self);
            await AppendAsync(replica, script, new RecordingSink(), 30);
            await replica.Store.FenceAsync(_key, new LogEpoch(9), 0, ReplicaFixture.Soon());
            await replica.Store.SealAsync(_key, new LogEpoch(9), new EntryId(20), script.ChainAt(new EntryId(20)), ReplicaFixture.Soon());
        }

        using var again = DiskMedium.OpenDirectory(directory.Path);
        using var restarted = new ReplicaFixture(again);
        Assert.Equal(self, restarted.Store.Self); // a clean restart is no new generation
        Assert.Equal(new LogEpoch(9), restarted.Store.Promised(_key.Log)); // INV-11
        var info = restarted.Store.Find(_key)!;
        Assert.Equal(new EntryId(20), info.SealedEntry);
        Assert.Equal(new EntryId(20), info.DurableEntry);
        Assert.Equal(script.Frames.Take(21), await ReadAllAsync(restarted.Store, new EntryId(0), new EntryId(29)));
        Assert.Equal(script.EncodedHeader, (await restarted.Store.ReadHeaderAsync(_key, ReplicaFixture.Soon())).ToArray());
    }

    [Fact]
    public async Task ManyRestarts_AndManyFiles_KeepEverything()
    {
        var disk = new SimulatedDisk();
        var scripts = new List<SegmentScript>();
        for (var round = 0; round < 5; round++)
        {
            using (var replica = new ReplicaFixture(disk))
            {
                var sink = new RecordingSink();
                for (ulong log = 1; log <= 3; log++)
                {
                    var key = new SegmentKey(new LogId(log), new SegmentId((ulong)round));
                    var script = new SegmentScript(key, new LogEpoch(1), replica.Store.Self);
                    scripts.Add(script);
                    await AppendAsync(replica, script, sink, 40, payload: 3_000);
                }

                foreach (var script in scripts)
                    Assert.Equal(script.Frames, await ReadAllAsync(replica.Store, new EntryId(0), script.Last, script.Key));
                Assert.Empty(replica.Failures);
                Assert.Equal(0u, replica.Store.Self.Generation);
            }

            disk = disk.Restart();
        }
    }

    [Fact]
    public async Task Fence_AnswersWhatIsDurable_AndStopsTheOldWriter()
    {
        using var replica = new ReplicaFixture(new SimulatedDisk());
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        await AppendAsync(replica, script, sink, 3);
        var queued = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), sink, ReplicaFixture.Soon());
        Assert.Null(queued);
        var answer = await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon());
        // The frame queued before the fence is in the answer (R5).
        Assert.Equal(new EntryId(3), answer.Reply!.Value.DurableEntry);
        Assert.Equal(script.Chain, answer.Reply.Value.Chain);
        Assert.Equal(MemberHealth.Clean, answer.Reply.Value.Health);
        Assert.Equal(script.EncodedHeader, answer.Header.ToArray());
        var refused = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), sink, ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.Fenced, refused!.Value.Kind);
        Assert.Equal(new LogEpoch(2), refused.Value.Promised);
    }

    [Fact]
    public async Task RepeatedFrames_AreAckedAgain_DifferentOnesPoison()
    {
        using var replica = new ReplicaFixture(new SimulatedDisk());
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        await AppendAsync(replica, script, new RecordingSink(), 3);
        var second = new RecordingSink();
        Assert.Null(await replica.Store.AppendAsync(_key, script.Epoch, script.Frames[1], second, ReplicaFixture.Soon()));
        Assert.Equal(new EntryId(2), second.Acked(_key));

        var other = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        other.Next(99);
        var refused = await replica.Store.AppendAsync(_key, script.Epoch, other.Frames[0], second, ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.Diverged, refused!.Value.Kind); // INV-2
        Assert.True(replica.Store.Find(_key)!.IsPoisoned);
    }

    [Fact]
    public async Task DamagedFrames_AreRefused_BeforeTheyReachTheJournal()
    {
        using var replica = new ReplicaFixture(new SimulatedDisk());
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        await AppendAsync(replica, script, sink, 1);
        var frame = script.Next();
        frame[^1] ^= 1;
        var refused = await replica.Store.AppendAsync(_key, script.Epoch, frame, sink, ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.Corrupt, refused!.Value.Kind);
    }

    [Fact]
    public async Task ReadersSee_NothingPastTheLac_AndWaitForMore()
    {
        using var replica = new ReplicaFixture(new SimulatedDisk());
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        await AppendAsync(replica, script, new RecordingSink(), 5);
        var none = await replica.Store.ReadTailAsync(_key, new EntryId(0), 1 << 20, TimeSpan.Zero, ReplicaFixture.Soon());
        Assert.Equal(TailAnswerKind.NotYet, none.Kind); // V1: durable here, but not confirmed
        var waiting = replica.Store.ReadTailAsync(_key, new EntryId(0), 1 << 20, ReplicaFixture.Limit, ReplicaFixture.Soon());
        Assert.Equal(new EntryId(2), replica.Store.Confirm(_key, script.Epoch, new EntryId(2)));
        var some = await waiting;
        Assert.Equal(script.Frames.Take(3), some.Frames.Select(frame => frame.ToArray()));
        Assert.Equal(new EntryId(2), some.LastVisible);
        Assert.Equal(new EntryId(2), replica.Store.Confirm(_key, script.Epoch, new EntryId(1))); // R8: monotonic
        await replica.Store.SealAsync(_key, script.Epoch, new EntryId(3), script.ChainAt(new EntryId(3)), ReplicaFixture.Soon());
        var end = await replica.Store.ReadTailAsync(_key, new EntryId(4), 1 << 20, ReplicaFixture.Limit, ReplicaFixture.Soon());
        Assert.Equal(TailAnswerKind.Sealed, end.Kind);
        Assert.Equal(new EntryId(3), end.LastVisible);
        var last = await replica.Store.ReadTailAsync(_key, new EntryId(3), 1 << 20, TimeSpan.Zero, ReplicaFixture.Soon());
        Assert.Equal([script.Frames[3]], last.Frames.Select(frame => frame.ToArray()));
    }

    [Fact]
    public async Task RecoveryAppend_IsTaken_OnlyFromThePromisedRecoverer()
    {
        using var replica = new ReplicaFixture(new SimulatedDisk());
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        script.Next();
        script.Next();
        await replica.Store.FenceAsync(_key, new LogEpoch(5), 0, ReplicaFixture.Soon());
        var stranger = await replica.Store.RecoveryHeaderAsync(_key, new LogEpoch(6), script.EncodedHeader, ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.Fenced, stranger!.Value.Kind); // R6
        Assert.Null(await replica.Store.RecoveryHeaderAsync(_key, new LogEpoch(5), script.EncodedHeader, ReplicaFixture.Soon()));
        foreach (var frame in script.Frames)
            Assert.Null(await replica.Store.RecoveryAppendAsync(_key, new LogEpoch(5), frame, ReplicaFixture.Soon()));
        Assert.Equal(new EntryId(1), await replica.Store.FlushAsync(_key, ReplicaFixture.Soon()));
        Assert.Equal(script.Frames, await ReadAllAsync(replica.Store, new EntryId(0), new EntryId(1)));
    }

    [Fact]
    public async Task DroppedSegments_GiveTheirFilesBack()
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        var sink = new RecordingSink();
        for (ulong segment = 0; segment < 20; segment++)
        {
            var key = new SegmentKey(_key.Log, new SegmentId(segment));
            var script = new SegmentScript(key, new LogEpoch(1), replica.Store.Self);
            await AppendAsync(replica, script, sink, 30, payload: 4_000);
            await replica.Store.SealAsync(key, script.Epoch, script.Last, script.Chain, ReplicaFixture.Soon());
            await replica.Store.DropAsync(key, DropReason.Released, new byte[32].Select((_, i) => (byte)(i + 1)).ToArray(), ReplicaFixture.Soon());
        }

        Assert.Empty(replica.Store.List());
        // 20 x 120 KiB went through files of 128 KiB; without recycling there would be 20 of them.
        await WaitUntilAsync(() => disk.List().Count(name => name.StartsWith("j-", StringComparison.Ordinal)) <= 4);
    }

    [Fact]
    public async Task FullJournal_RefusesData_ButTakesFencesAndSeals() // R9, U8
    {
        using var replica = new ReplicaFixture(
            new SimulatedDisk(), ReplicaFixture.SmallJournal with { Capacity = 6 * 128 * 1024 });
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        Assert.Null(await replica.Store.OpenSegmentAsync(_key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon()));
        ReplicaRefusal? refusal = null;
        var stored = EntryId.None;
        for (var i = 0; i < 1_000 && refusal is null; i++)
        {
            refusal = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(4_000), sink, ReplicaFixture.Soon());
            if (refusal is null)
            {
                stored = script.Last;
                await sink.WaitAsync(_key, stored);
            }
        }

        Assert.Equal(ReplicaRefusalKind.StorageFull, refusal!.Value.Kind);
        Assert.True(stored > new EntryId(30));
        Assert.NotNull((await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon())).Reply);
        Assert.Null(await replica.Store.SealAsync(_key, new LogEpoch(2), stored, script.ChainAt(stored), ReplicaFixture.Soon()));
        Assert.Empty(replica.Failures);
        Assert.Null(await replica.Store.DropAsync(_key, DropReason.Truncated, default, ReplicaFixture.Soon()));
        var next = new SegmentScript(new SegmentKey(_key.Log, new SegmentId(1)), new LogEpoch(2), replica.Store.Self);
        await WaitUntilAsync(() => replica.Store.FillRatio < 0.7);
        await AppendAsync(replica, next, sink, 20, payload: 4_000);
    }

    [Fact]
    public async Task FullDisk_IsNoFailure() // ENOSPC while preparing a file loses nothing
    {
        var disk = new SimulatedDisk { Capacity = 4 * 128 * 1024 };
        using var replica = new ReplicaFixture(disk);
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        Assert.Null(await replica.Store.OpenSegmentAsync(_key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon()));
        ReplicaRefusal? refusal = null;
        for (var i = 0; i < 1_000 && refusal is null; i++)
        {
            refusal = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(4_000), sink, ReplicaFixture.Soon());
            if (refusal is null)
                await sink.WaitAsync(_key, script.Last);
        }

        Assert.Equal(ReplicaRefusalKind.StorageFull, refusal!.Value.Kind);
        Assert.NotNull((await replica.Store.FenceAsync(_key, new LogEpoch(2), 0, ReplicaFixture.Soon())).Reply);
        Assert.Empty(replica.Failures);
    }

    [Fact]
    public async Task FailedSync_StopsEverything_AndAcksNothingMore() // J5, R4
    {
        var disk = new SimulatedDisk();
        using var replica = new ReplicaFixture(disk);
        var script = new SegmentScript(_key, new LogEpoch(1), replica.Store.Self);
        var sink = new RecordingSink();
        await AppendAsync(replica, script, sink, 2);
        disk.FailSync(0);
        await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), sink, ReplicaFixture.Soon());
        await WaitUntilAsync(() => replica.Latch.IsTripped);
        Assert.Equal(new EntryId(1), sink.Acked(_key));
        var refused = await replica.Store.AppendAsync(_key, script.Epoch, script.Next(), sink, ReplicaFixture.Soon());
        Assert.Equal(ReplicaRefusalKind.Unavailable, refused!.Value.Kind);
        Assert.Equal(ReplicaRefusalKind.Unavailable, (await replica.Store.FenceAsync(_key, new LogEpoch(3), 0, ReplicaFixture.Soon())).Refusal.Kind);
        Assert.Equal(TailAnswerKind.Unavailable, (await replica.Store.ReadTailAsync(_key, new EntryId(0), 1, TimeSpan.Zero, ReplicaFixture.Soon())).Kind);
        Assert.Single(replica.Failures);
    }

    [Fact]
    public async Task JumpOfEpochs_IsRefused_UnlessMetadataConfirmsIt() // R2
    {
        var far = new LogEpoch(PromiseTable.MaxUnverifiedJump + 5);
        using (var replica = new ReplicaFixture(new SimulatedDisk()))
        {
            var answer = await replica.Store.FenceAsync(_key, far, 0, ReplicaFixture.Soon());
            Assert.Equal(ReplicaRefusalKind.Unavailable, answer.Refusal.Kind);
            Assert.Equal(default, replica.Store.Promised(_key.Log));
        }

        using (var replica = new ReplicaFixture(new SimulatedDisk(), authority: new Authority(far)))
        {
            Assert.NotNull((await replica.Store.FenceAsync(_key, far, 0, ReplicaFixture.Soon())).Reply);
            Assert.Equal(far, replica.Store.Promised(_key.Log));
        }

        using (var replica = new ReplicaFixture(new SimulatedDisk(), authority: new Authority(new LogEpoch(4))))
            Assert.Equal(ReplicaRefusalKind.Invalid, (await replica.Store.FenceAsync(_key, far, 0, ReplicaFixture.Soon())).Refusal.Kind);
    }

    [Fact]
    public void AnotherNodesDirectory_IsRefused()
    {
        using var directory = new TempDirectory();
        using var medium = DiskMedium.OpenDirectory(directory.Path);
        using (new ReplicaFixture(medium))
        {
        }

        var refused = Assert.Throws<WoodpeckerException>(() => ReplicaStore.Open(
            medium,
            new ReplicaStoreOptions { ClusterId = ReplicaFixture.Cluster, NodeId = "replica-2", Journal = ReplicaFixture.SmallJournal },
            new Authority(default), new FailureLatch(_ => { }), SystemIdSource.Instance, TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.Equal("WrongStore", refused.Reason);
    }

    [Fact]
    public void DataDirectory_BelongsToOneProcess()
    {
        using var directory = new TempDirectory();
        using var medium = DiskMedium.OpenDirectory(directory.Path);
        Assert.Equal("DataDirectoryLocked", Assert.Throws<WoodpeckerException>(() => DiskMedium.OpenDirectory(directory.Path)).Reason);
    }

    [Fact]
    public async Task HighestRevision_IsRemembered()
    {
        var disk = new SimulatedDisk();
        using (var replica = new ReplicaFixture(disk))
        {
            Assert.True(replica.Store.RememberRevision(40));
            Assert.False(replica.Store.RememberRevision(39)); // section 13: metadata was rolled back
            await Task.CompletedTask;
        }

        using var again = new ReplicaFixture(disk.Restart());
        Assert.Equal(40, again.Store.HighestRevision);
    }

    internal static async Task AppendAsync(ReplicaFixture replica, SegmentScript script, RecordingSink sink, int frames, int payload = 100)
    {
        if (script.Frames.Count == 0)
            Assert.Null(await replica.Store.OpenSegmentAsync(script.Key, script.Epoch, script.EncodedHeader, sink, ReplicaFixture.Soon()));
        for (var i = 0; i < frames; i++)
            Assert.Null(await replica.Store.AppendAsync(script.Key, script.Epoch, script.Next(payload), sink, ReplicaFixture.Soon()));
        await sink.WaitAsync(script.Key, script.Last);
    }

    internal static async Task<List<byte[]>> ReadAllAsync(ReplicaStore store, EntryId first, EntryId last, SegmentKey? key = null)
    {
        var frames = new List<byte[]>();
        await foreach (var frame in store.ReadFramesAsync(key ?? _key, first, last, ReplicaFixture.Soon()))
            frames.Add(frame.ToArray());
        return frames;
    }

    internal static async Task WaitUntilAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < ReplicaFixture.Limit, "the condition did not come true in time");
            await Task.Delay(2);
        }
    }

    private sealed class Authority(LogEpoch epoch) : IEpochAuthority
    {
        public ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken) => new(epoch);
    }
}
