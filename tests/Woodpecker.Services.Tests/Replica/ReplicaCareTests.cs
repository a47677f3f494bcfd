using Woodpecker.Format.Objects;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Upload;
using Woodpecker.Testing.Metadata;
using Woodpecker.Testing.Objects;
using Woodpecker.Testing.Segments;

namespace Woodpecker.Services.Tests.Replica;

/// <summary>What a replica does by itself: takes missed seals, uploads, publishes, lets go of verified copies.</summary>
public sealed class ReplicaCareTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task SealInMetadata_IsTaken_Uploaded_Published_AndTheCopyReleased() // R7, U1, U7, INV-21
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 12);
        await PutAsync(world, Sealed(segment, replica.Store.Self));

        await UntilAsync(() => replica.Store.Find(_key) is null);
        var value = MetadataJson.Read<SegmentValue>((await world.Metadata.GetAsync(MetadataKeys.Segment(_key.Log, _key.Segment), default))!);
        Assert.Equal(SegmentState.Compacted, value.State);
        Assert.True(ObjectNames.TryParse(value.Manifest!.Key, out var name));
        Assert.Equal(_key.Log, name.Log);
        Assert.Contains(world.Objects.Keys, key => key.Value == value.Manifest.Key);
    }

    [Fact]
    public async Task DamagedObjects_AreWrittenAgain_FromACopyThatIsStillHeld() // C7, U7, INV-22
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world, ("Woodpecker:Care:UploadStaggerMilliseconds", "600000"));
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 12);
        var value = Sealed(segment, replica.Store.Self) with
        {
            Ensemble = [new EnsembleMember("replica-0", Guid.NewGuid(), 0), EnsembleMember.From(replica.Store.Self)],
        };

        // Another member published, and one of its objects is gone.
        await PutAsync(world, value);
        await UntilAsync(() => replica.Store.Find(_key)?.SealedEntry is not null);
        var job = new Storage.Metadata.Transactions.Job(_key.Log, _key.Segment, 301, 1);
        var uploaded = await new SegmentUploader(world.Objects, new SegmentObjectOptions()).UploadAsync(
            ReplicaHost.Cluster, job, value, new FrameList(segment.Header, segment.Frames), default);
        await world.Objects.DeleteAsync(new(uploaded.Manifest.Objects[0].Key), default);
        await PutAsync(world, value with { State = SegmentState.Compacted, Manifest = uploaded.Reference });

        await UntilAsync(() => replica.Store.Find(_key) is null);
        var repaired = MetadataJson.Read<SegmentValue>(
            (await world.Metadata.GetAsync(MetadataKeys.Segment(_key.Log, _key.Segment), default))!);
        Assert.Equal(SegmentState.Compacted, repaired.State);
        Assert.Equal((segment.Last, segment.Chain), (repaired.LastEntry, repaired.Chain));
        Assert.NotEqual(uploaded.Reference.Key, repaired.Manifest!.Key);
        var loaded = await new ManifestLoader(world.Objects).LoadAsync(
            ReplicaHost.Cluster, _key.Log, _key.Segment, repaired, default);
        Assert.Equal(ManifestAnswer.Ok, loaded.Answer);
        foreach (var described in loaded.Manifest!.Objects)
            Assert.Equal(described.Length, (await world.Objects.HeadAsync(new(described.Key), default))!.Value.Length);
    }

    [Fact]
    public async Task Backlog_DrainsOldestFirst_WhenTheObjectStoreIsBack() // U8, INV-45
    {
        await using var world = await ReplicaWorld.CreateAsync();
        world.Faults.Throttle(0);
        await using var replica = await ReplicaHost.StartAsync(world);
        var keys = Enumerable.Range(0, 6).Select(i => new SegmentKey(new LogId((ulong)(20 - i)), new SegmentId(0))).ToArray();
        var age = 0;
        foreach (var key in keys)
        {
            var segment = new WireSegment(key, new LogEpoch(1), replica.Store.Self);
            using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 3);
            var value = Sealed(segment, replica.Store.Self);
            await PutAsync(world, key, value with { SealedAt = value.SealedAt - 3_600_000_000L + (age++ * 1_000_000L) });
        }

        await UntilAsync(() => world.Faults.Calls.Any(static call => call.Operation == ObjectOperation.Put));
        Assert.Equal(6, replica.Store.List().Count); // nothing is dropped, however long it takes

        // Back, but the first answers are lost after the object was stored, and one is an error.
        world.Faults.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter) { Times = 2 });
        world.Faults.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailBefore) { Skip = 3 });
        world.Faults.Throttle(int.MaxValue);
        await UntilAsync(() => replica.Store.List().Count == 0);
        var published = world.Faults.Calls
            .Where(static call => call.Operation == ObjectOperation.Put && call.Key.EndsWith("-m.wpm", StringComparison.Ordinal))
            .Select(static call => call.Key[..16]).Distinct().ToArray();
        Assert.Equal(keys.Select(static key => key.Log.ToKey()), published);
        foreach (var key in keys)
        {
            var value = MetadataJson.Read<SegmentValue>((await world.Metadata.GetAsync(MetadataKeys.Segment(key.Log, key.Segment), default))!);
            Assert.Equal(SegmentState.Compacted, value.State);
        }
    }

    [Fact]
    public async Task UnderReplicatedSegments_AreUploadedFirst_WithoutWaitingForATurn() // U2, U8, section 10
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world, ("Woodpecker:Care:UploadStaggerMilliseconds", "600000"));
        var lost = new EnsembleMember("replica-0", Guid.NewGuid(), 0);
        var healthy = new EnsembleMember("replica-9", Guid.NewGuid(), 0);
        await RegisterAsync(world, lost with { Incarnation = Guid.NewGuid() });
        await RegisterAsync(world, healthy);
        var whole = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        var alone = new WireSegment(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        using var first = await ReplicaGrpcTests.FillAsync(replica, whole, 3);
        using var second = await ReplicaGrpcTests.FillAsync(replica, alone, 3);
        await PutAsync(world, whole.Key, Sealed(whole, replica.Store.Self) with { Ensemble = [healthy, EnsembleMember.From(replica.Store.Self)] });
        await PutAsync(world, alone.Key, Sealed(alone, replica.Store.Self) with { Ensemble = [lost, EnsembleMember.From(replica.Store.Self)] });
        await UntilAsync(() => replica.Store.Find(alone.Key) is null);
        Assert.NotNull(replica.Store.Find(whole.Key)); // its first member has the turn
    }

    [Fact]
    public async Task ASealByAClockThatIsAhead_IsUploadedAfterTheMembersTurn() // U2, section 12, INV-45
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world, ("Woodpecker:Care:UploadStaggerMilliseconds", "300"));
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 3);
        var value = Sealed(segment, replica.Store.Self);
        await PutAsync(world, value with
        {
            SealedAt = value.SealedAt + (long)TimeSpan.FromDays(1).TotalMicroseconds,
            Ensemble = [new EnsembleMember("replica-0", Guid.NewGuid(), 0), EnsembleMember.From(replica.Store.Self)],
        });
        await UntilAsync(() => replica.Store.Find(_key) is null);
    }

    [Fact]
    public async Task APlannedStop_OfAJournalInMemory_UploadsWhatItHolds() // Z3, INV-22
    {
        await using var world = await ReplicaWorld.CreateAsync();
        WireSegment segment;
        await using (var replica = await ReplicaHost.StartAsync(
            world, ("Woodpecker:Journal:Kind", "Memory"), ("Woodpecker:Journal:Directory", ""), ("Woodpecker:Care:UploadStaggerMilliseconds", "0")))
        {
            segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
            using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 12);
            world.Faults.Throttle(0);
            await PutAsync(world, Sealed(segment, replica.Store.Self));
            await UntilAsync(() => world.Faults.Calls.Any(static call => call.Operation == ObjectOperation.Put));
            var stopping = replica.StopAsync();
            world.Faults.Throttle(int.MaxValue);
            await stopping;
        }

        var value = MetadataJson.Read<SegmentValue>((await world.Metadata.GetAsync(MetadataKeys.Segment(_key.Log, _key.Segment), default))!);
        Assert.Equal(SegmentState.Compacted, value.State);
    }

    [Fact]
    public async Task APlannedStop_ThatCannotUpload_EndsWithItsGrace() // Z3
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(
            world, ("Woodpecker:Journal:Kind", "Memory"), ("Woodpecker:Journal:Directory", ""), ("Woodpecker:Journal:DrainSeconds", "1"));
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await ReplicaGrpcTests.FillAsync(replica, segment, 3);
        var started = TimeProvider.System.GetTimestamp();
        await replica.StopAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task OpenSegment_IsLeftAlone_AndAnAbsentKeyProvesNothing() // R12, X4
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var open = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        var unknown = new WireSegment(new SegmentKey(new LogId(8), new SegmentId(0)), new LogEpoch(1), replica.Store.Self);
        using var first = await ReplicaGrpcTests.FillAsync(replica, open, 3);
        using var second = await ReplicaGrpcTests.FillAsync(replica, unknown, 3);
        await PutAsync(world, Value(open, replica.Store.Self));
        var looks = 0;
        var started = TimeProvider.System.GetTimestamp();
        // Several periods of the care loop pass; nothing may change.
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(1.5))
        {
            Assert.Equal(2, replica.Store.List().Count);
            looks++;
            await Task.Delay(100);
        }

        Assert.True(looks > 3);
        await world.Metadata.CommitAsync(
            new MetadataTransaction().Put(
                MetadataKeys.Tombstone(unknown.Key.Log), MetadataJson.Write(new TombstoneValue { Name = "gone", DeletedAt = 1 })),
            default);
        await PutAsync(world, Value(open, replica.Store.Self)); // a change wakes the loop
        await UntilAsync(() => replica.Store.Find(unknown.Key) is null); // the tombstone is evidence
        Assert.NotNull(replica.Store.Find(open.Key));
    }

    [Fact]
    public async Task Registration_NamesStoreAndGeneration() // R10
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world, ("Woodpecker:Zone", "zone-a"));
        var node = MetadataJson.Read<NodeValue>((await world.Metadata.GetAsync(MetadataKeys.Node("replica-1"), default))!);
        Assert.Equal(replica.Store.Self.Incarnation, node.Incarnation);
        Assert.Equal(replica.Store.Self.Generation, node.Generation);
        Assert.Equal("zone-a", node.Zone);
        MetadataEntry? live = null;
        for (var i = 0; i < 1_000 && live is null; i++)
        {
            live = await world.Metadata.GetAsync(MetadataKeys.Live("replica-1"), default);
            await Task.Delay(20);
        }

        Assert.NotEqual(0, live!.LeaseId);
    }

    [Fact]
    public async Task MetadataThatWentBack_IsNoticed() // section 13
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using (var replica = await ReplicaHost.StartAsync(world))
            Assert.True(replica.Store.RememberRevision(1_000_000));
        await using var again = await ReplicaHost.StartAsync(world);
        await UntilAsync(() => again.IsSafeMode);
    }

    [Fact]
    public async Task ASegmentThatMetadataForgot_PutsTheClusterIntoSafeMode_AtTheNextStart() // section 13, INV-36
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using (var replica = await ReplicaHost.StartAsync(world))
        {
            var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
            using var filled = await ReplicaGrpcTests.FillAsync(replica, segment, 3);
            Assert.False(replica.IsSafeMode);
        }

        await using var again = await ReplicaHost.StartAsync(world);
        ClusterValue? cluster = null;
        await Eventually.BecomesTrueAsync("safe mode is written down", async () =>
            await world.Metadata.GetAsync(MetadataKeys.Cluster, default) is { } entry
            && (cluster = MetadataJson.Read<ClusterValue>(entry)).SafeMode == true);

        Assert.Equal((ReplicaHost.Cluster, "replica-1"), (cluster!.ClusterId, cluster.SafeModeBy));
        Assert.Contains("is not known", cluster.SafeModeReason, StringComparison.Ordinal);
        Assert.Single(again.Store.List()); // nothing is dropped by what metadata says now
    }

    private static SegmentValue Value(WireSegment segment, ReplicaId self) => new()
    {
        State = SegmentState.Open,
        Epoch = segment.Epoch,
        Mode = LogMode.QuorumBuffer,
        Ensemble = [EnsembleMember.From(self)],
        BaseOffset = Offset.Zero,
    };

    private static SegmentValue Sealed(WireSegment segment, ReplicaId self) => Value(segment, self) with
    {
        State = SegmentState.Sealed,
        LastEntry = segment.Last,
        Chain = segment.Chain,
        SealedBy = SealOrigin.Own,
        SealedAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1000,
    };

    private static Task PutAsync(ReplicaWorld world, SegmentValue value) => PutAsync(world, _key, value);

    private static async Task RegisterAsync(ReplicaWorld world, EnsembleMember member) => await world.Metadata.CommitAsync(
        new MetadataTransaction().Put(MetadataKeys.Node(member.Node), MetadataJson.Write(new NodeValue
        {
            Incarnation = member.Incarnation,
            Generation = member.Generation,
            AppId = member.Node,
        })), default);

    private static async Task PutAsync(ReplicaWorld world, SegmentKey key, SegmentValue value) => await world.Metadata.CommitAsync(
        new MetadataTransaction().Put(MetadataKeys.Segment(key.Log, key.Segment), MetadataJson.Write(value)), default);

    private static async Task UntilAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < _limit, "the condition did not come true in time");
            await Task.Delay(20);
        }
    }
}
