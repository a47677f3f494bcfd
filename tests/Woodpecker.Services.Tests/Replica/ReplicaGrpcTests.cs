using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Services.Tests.Replica;

public sealed class ReplicaGrpcTests
{
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(0));

    [Fact]
    public async Task Session_AcksWhatIsDurable_AndTellsItAgainAtTheNextHello()
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using (var session = await replica.OpenSessionAsync())
        {
            await session.OpenAsync(segment);
            await session.WaitForAckAsync(segment, -1);
            for (var i = 0; i < 20; i++)
                await session.AppendAsync(segment, segment.Next());
            await session.WaitForAckAsync(segment, 19);
        }

        using var again = await replica.OpenSessionAsync(_key);
        var status = Assert.Single(again.Hello.Segments);
        Assert.True(status.Known);
        Assert.Equal(19, status.DurableLast);
        Assert.Equal(replica.Store.Self, IdentityMapping.ToReplicaId(again.Hello.Replica)); // R14
    }

    [Fact]
    public async Task Session_WithAnotherCluster_IsWrongReplica() // R1
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        using var call = replica.Client.Session();
        await call.RequestStream.WriteAsync(new SessionRequest
        {
            Hello = new Hello
            {
                ClusterId = IdentityMapping.ToWire(Guid.Empty),
                WriterId = "w",
                MinFormat = 1,
                MaxFormat = 1,
                TargetNodeId = "replica-1",
            },
        });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(RefusalKind.WrongReplica, call.ResponseStream.Current.Refusal.Kind);
        Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task Refusals_AreAnswers_AndTheSessionGoesOn()
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await replica.OpenSessionAsync();
        await session.AppendAsync(segment, segment.Next());
        var gap = await session.WaitForRefusalAsync();
        Assert.Equal(RefusalKind.Gap, gap.Kind);
        Assert.True(gap.HeaderMissing); // R3
        await session.OpenAsync(segment);
        await session.AppendAsync(segment, segment.Frames[0]);
        await session.WaitForAckAsync(segment, 0);

        var stranger = new WireSegment(
            _key with { Segment = new SegmentId(9) }, new LogEpoch(1), replica.Store.Self with { Generation = 5 });
        await session.OpenAsync(stranger);
        Assert.Equal(RefusalKind.OldGeneration, (await session.WaitForRefusalAsync()).Kind); // R10
        var other = new WireSegment(_key with { Segment = new SegmentId(9) }, new LogEpoch(1), replica.Store.Self with { Incarnation = Guid.Empty });
        await session.OpenAsync(other);
        Assert.Equal(RefusalKind.WrongReplica, (await session.WaitForRefusalAsync()).Kind); // R1
    }

    [Fact]
    public async Task Fence_StopsTheWritersSession_AndItsFramesAreReadForRecovery() // R5, R6, R7
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await FillAsync(replica, segment, 5);
        var fenced = (await replica.Client.FenceAsync(new FenceRequest { Envelope = replica.Envelope(_key, 2) })).Fenced;
        Assert.Equal(4, fenced.DurableLast);
        Assert.Equal(segment.Chain, fenced.Chain);
        Assert.Equal(MemberHealth.Clean, fenced.Health);
        Assert.Equal(segment.Header, fenced.Header.ToByteArray());
        await session.AppendAsync(segment, segment.Next());
        var refusal = await session.WaitForRefusalAsync();
        Assert.Equal(RefusalKind.Fenced, refusal.Kind);
        Assert.Equal(2UL, refusal.Promised);

        var read = replica.Client.RecoveryRead(new RecoveryReadRequest { Envelope = replica.Envelope(_key, 2), FirstEntry = 1, LastEntry = 4 });
        var frames = await ReadAllAsync(read.ResponseStream);
        Assert.Equal(segment.Frames.Skip(1).Take(4), frames);

        using var copy = replica.Client.RecoveryAppend();
        await copy.RequestStream.WriteAsync(new RecoveryAppendRequest
        {
            Envelope = replica.Envelope(_key, 2),
            Header = ByteString.CopyFrom(segment.Header),
            Frame = ByteString.CopyFrom(segment.Frames[5]),
        });
        await copy.RequestStream.CompleteAsync();
        Assert.Equal(5, (await copy.ResponseAsync).DurableUpTo);

        var seal = new SealRequest { Envelope = replica.Envelope(_key, 2), LastEntry = 5, Chain = segment.Chain };
        Assert.Equal(5, (await replica.Client.SealAsync(seal)).DurableLast);
        Assert.Equal(5, (await replica.Client.SealAsync(seal)).DurableLast); // idempotent
        seal.LastEntry = 3;
        Assert.Equal(RefusalKind.Diverged, (await replica.Client.SealAsync(seal)).Refusal.Kind); // INV-15
    }

    [Fact]
    public async Task Envelope_OfAnotherStore_IsWrongReplica_NotAbsent() // R1
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var wrong = replica.Envelope(_key, 1, incarnation: Guid.Empty);
        Assert.Equal(RefusalKind.WrongReplica, (await replica.Client.FenceAsync(new FenceRequest { Envelope = wrong })).Refusal.Kind);
        Assert.Equal(RefusalKind.WrongReplica, (await replica.Client.SealAsync(new SealRequest { Envelope = wrong })).Refusal.Kind);
        Assert.Equal(RefusalKind.WrongReplica, (await replica.Client.ReadEntriesAsync(new ReadEntriesRequest { Envelope = wrong })).Refusal.Kind);
        var cluster = replica.Envelope(_key, 1, cluster: Guid.Empty);
        Assert.Equal(RefusalKind.WrongReplica, (await replica.Client.FenceAsync(new FenceRequest { Envelope = cluster })).Refusal.Kind);
    }

    [Fact]
    public async Task Readers_WaitForTheLac_AndFollowTheTailToItsEnd() // V1, V5
    {
        await using var world = await ReplicaWorld.CreateAsync();
        await using var replica = await ReplicaHost.StartAsync(world);
        var segment = new WireSegment(_key, new LogEpoch(1), replica.Store.Self);
        using var session = await FillAsync(replica, segment, 6);
        var request = new ReadEntriesRequest { Envelope = replica.Envelope(_key, 0), FirstEntry = 0, MaxBytes = 1 << 20 };
        Assert.Equal(-1, (await replica.Client.ReadEntriesAsync(request)).NotYet.VisibleLast);

        using var tail = replica.Client.Tail(request);
        await session.ConfirmAsync(segment, 2);
        var seen = new List<byte[]>();
        while (seen.Count < 3)
        {
            Assert.True(await tail.ResponseStream.MoveNext(CancellationToken.None));
            if (tail.ResponseStream.Current.Frames is { } frames)
                seen.AddRange(frames.Frames_.Select(frame => frame.ToByteArray()));
        }

        Assert.Equal(segment.Frames.Take(3), seen);
        await session.ConfirmAsync(segment, 5);
        await replica.Client.SealAsync(new SealRequest { Envelope = replica.Envelope(_key, 1), LastEntry = 5, Chain = segment.Chain });
        var isSealed = false;
        while (!isSealed && await tail.ResponseStream.MoveNext(CancellationToken.None))
        {
            var reply = tail.ResponseStream.Current;
            seen.AddRange(reply.Frames?.Frames_.Select(frame => frame.ToByteArray()) ?? []);
            isSealed = reply.KindCase == ReadEntriesReply.KindOneofCase.Sealed && reply.Sealed.LastEntry == 5;
        }

        Assert.True(isSealed);
        Assert.Equal(segment.Frames, seen);
    }

    [Fact]
    public async Task Restart_KeepsCopiesAndPromises_AndNeedsNoMetadata() // section 13
    {
        await using var world = await ReplicaWorld.CreateAsync();
        WireSegment segment;
        ReplicaId self;
        await using (var replica = await ReplicaHost.StartAsync(world))
        {
            self = replica.Store.Self;
            segment = new WireSegment(_key, new LogEpoch(1), self);
            using var session = await FillAsync(replica, segment, 8);
            await replica.Client.FenceAsync(new FenceRequest { Envelope = replica.Envelope(_key, 4) });
            await world.Metadata.CommitAsync(
                new MetadataTransaction()
                    .Put(MetadataKeys.Epoch(_key.Log), MetadataJson.Write(new EpochValue { Epoch = new LogEpoch(4) }))
                    .Put(MetadataKeys.Segment(_key.Log, _key.Segment), MetadataJson.Write(new SegmentValue
                    {
                        State = SegmentState.Open,
                        Epoch = new LogEpoch(1),
                        Mode = LogMode.QuorumBuffer,
                        BaseOffset = Offset.Zero,
                    })),
                default);
        }

        await using var again = await ReplicaHost.StartAsync(world);
        Assert.Equal(self, again.Store.Self);
        Assert.Equal(new LogEpoch(4), again.Store.Promised(_key.Log)); // INV-11
        var read = again.Client.RecoveryRead(new RecoveryReadRequest { Envelope = again.Envelope(_key, 4), FirstEntry = 0, LastEntry = 7 });
        Assert.Equal(segment.Frames, await ReadAllAsync(read.ResponseStream));
        Assert.False(again.IsSafeMode);
    }

    internal static async Task<WireSession> FillAsync(ReplicaHost replica, WireSegment segment, int frames)
    {
        var session = await replica.OpenSessionAsync();
        await session.OpenAsync(segment);
        for (var i = 0; i < frames; i++)
            await session.AppendAsync(segment, segment.Next());
        await session.WaitForAckAsync(segment, segment.Last.Value);
        return session;
    }

    private static async Task<List<byte[]>> ReadAllAsync(IAsyncStreamReader<FrameChunk> stream)
    {
        var frames = new List<byte[]>();
        while (await stream.MoveNext(CancellationToken.None))
        {
            Assert.Equal(FrameChunk.KindOneofCase.Frame, stream.Current.KindCase);
            frames.Add(stream.Current.Frame.ToByteArray());
        }

        return frames;
    }
}
