using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Format.Objects;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Services.Tests.Replica;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>One running replica for all cases, each on a log of its own.</summary>
public sealed class RunningReplica : IAsyncLifetime
{
    internal ReplicaWorld World { get; private set; } = null!;

    internal ReplicaHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        World = await ReplicaWorld.CreateAsync();
        Host = await ReplicaHost.StartAsync(World);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await World.DisposeAsync();
    }
}

/// <summary>What a writer, recoverer or reader that is wrong may send a replica.</summary>
public sealed class ReplicaProtocolTests(RunningReplica running) : IClassFixture<RunningReplica>
{
    private static ulong _lastLog = 100;

    private ReplicaHost Host => running.Host;

    [Fact] // R2, R3, R10, R13, INV-2, INV-13, INV-33
    public async Task MessagesOfASession_AreRefusedTyped_AndTheSessionGoesOn()
    {
        var good = NewSegment();
        using var session = await ReplicaGrpcTests.FillAsync(Host, good, 3);
        var failures = new List<string>();
        async Task RefusesAsync(string what, RefusalKind kind, string names, params SessionRequest[] requests)
        {
            foreach (var request in requests)
                await session.SendAsync(request);
            var refusal = await session.WaitForRefusalAsync();
            if (refusal.Kind != kind || !refusal.Message.Contains(names, StringComparison.Ordinal))
                failures.Add($"{what}: {refusal.Kind} {refusal.Message}");
            await session.AppendAsync(good, good.Next());
            await session.WaitForAckAsync(good, good.Last.Value);
        }

        // Append before SegmentOpen.
        var unopened = NewSegment();
        await RefusesAsync("before open", RefusalKind.Gap, "SegmentOpen comes first", Append(unopened, unopened.Next()));

        // A gap, and the same frame again, which is a repetition and no failure.
        var gap = NewSegment();
        gap.Next();
        var skipped = gap.Next();
        var third = gap.Next();
        await RefusesAsync("gap", RefusalKind.Gap, "entry 0 comes next", Open(gap), Append(gap, skipped));
        await session.AppendAsync(gap, gap.Frames[0]);
        await session.AppendAsync(gap, gap.Frames[0]);
        await session.WaitForAckAsync(gap, 0);
        await RefusesAsync("gap of one", RefusalKind.Gap, "entry 1 comes next", Append(gap, third));

        // The same entries with other bytes; afterwards the copy trusts nobody.
        var twin = new WireSegment(gap.Key, gap.Epoch, gap.Member);
        var other = twin.Next(payload: 300);
        await RefusesAsync("other bytes", RefusalKind.Diverged, "entries that are held differ", Append(gap, other));
        await RefusesAsync("poisoned", RefusalKind.Diverged, "poisoned", Append(gap, skipped));

        // Two headers for one segment.
        var opened = NewSegment();
        var second = new SegmentHeader
        {
            Log = opened.Key.Log,
            Segment = opened.Key.Segment,
            Epoch = opened.Epoch,
            BaseOffset = new Offset(77),
            Ensemble = [opened.Member],
        }.Encode();
        await RefusesAsync("two headers", RefusalKind.Diverged, "another header", Open(opened), Open(opened, second));

        // Bytes that are no header, no frame, or not what the message says.
        var fresh = NewSegment();
        await RefusesAsync("no header", RefusalKind.Corrupt, "segment header", Open(fresh, [1, 2, 3]));
        await RefusesAsync("empty header", RefusalKind.Corrupt, "segment header", Open(fresh, []));
        await RefusesAsync("another segment's header", RefusalKind.Invalid, "another segment's", Open(fresh, good.Header));
        await RefusesAsync("another epoch's header", RefusalKind.Invalid, "another segment's", Open(fresh, fresh.Header, epoch: 2));
        await RefusesAsync("epoch 0", RefusalKind.Invalid, "epoch 0", Open(fresh, HeaderOf(fresh, epoch: 0), epoch: 0));
        await RefusesAsync("generation", RefusalKind.OldGeneration, "generation",
            Open(new WireSegment(fresh.Key, fresh.Epoch, fresh.Member with { Generation = 9 })));
        await RefusesAsync("incarnation", RefusalKind.WrongReplica, "this is replica-1",
            Open(new WireSegment(fresh.Key, fresh.Epoch, fresh.Member with { Incarnation = Guid.Empty })));
        await RefusesAsync("another node", RefusalKind.WrongReplica, "this is replica-1",
            Open(new WireSegment(fresh.Key, fresh.Epoch, fresh.Member with { NodeId = "replica-2" })));
        var rotten = (byte[])good.Frames[0].Clone();
        rotten[^1] ^= 1;
        await RefusesAsync("rotten frame", RefusalKind.Corrupt, "frame", Append(good, rotten));
        await RefusesAsync("cut frame", RefusalKind.Corrupt, "the frame is cut off", Append(good, good.Frames[0][..50]));
        await RefusesAsync("no frame", RefusalKind.Corrupt, "the frame is cut off", Append(good, []));
        await RefusesAsync("foreign frame", RefusalKind.Invalid, "another segment's", Append(good, unopened.Frames[0]));
        await RefusesAsync("foreign epoch", RefusalKind.Invalid, "another epoch", Append(good, good.Frames[0], epoch: 2));

        // Epochs that nobody gave out: 2^20 + 1 ahead, the largest of a signed number, the one of deletion.
        foreach (var epoch in new ulong[] { (1UL << 20) + 2, long.MaxValue, 1UL << 63, ulong.MaxValue })
        {
            var far = new WireSegment(fresh.Key, new LogEpoch(epoch), fresh.Member);
            await RefusesAsync($"epoch {epoch}", RefusalKind.Invalid, "metadata did not give out this epoch", Open(far));
        }

        // A LAC below what can be is refused; one above what is durable shows nothing that is not.
        await RefusesAsync("lac", RefusalKind.Invalid, "lac is -2", Lac(good, -2));
        await session.ConfirmAsync(good, long.MaxValue);
        var read = await Host.Client.ReadEntriesAsync(new ReadEntriesRequest
        {
            Envelope = Host.Envelope(good.Key, 0),
            FirstEntry = 0,
            MaxBytes = 1 << 20,
            WaitMilliseconds = 20_000,
        });
        Assert.Equal(good.Last.Value, read.Frames.VisibleLast); // V1
        Assert.Empty(failures);
    }

    [Fact]
    public async Task AStreamThatDoesNotBeginAsItMust_EndsTyped()
    {
        var wrongGuid = new Hello { ClusterId = ByteString.CopyFrom(new byte[15]), TargetNodeId = "replica-1", MinFormat = 1, MaxFormat = 1 };
        var wrongFormat = new Hello { ClusterId = IdentityMapping.ToWire(ReplicaHost.Cluster), TargetNodeId = "replica-1", MinFormat = 9, MaxFormat = 9 };
        (SessionRequest Request, string Names)[] cases =
        [
            (Append(NewSegment(), []), "Hello"),
            (new SessionRequest(), "Hello"),
            (new SessionRequest { Hello = new Hello() }, "cluster_id has 0 bytes"),
            (new SessionRequest { Hello = wrongGuid }, "cluster_id has 15 bytes"),
            (new SessionRequest { Hello = wrongFormat }, "formats 9-9"),
        ];
        foreach (var (request, names) in cases)
        {
            using var call = Host.Client.Session();
            await call.RequestStream.WriteAsync(request);
            var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Contains(names, FailureMapping.FromRpcException(e, "replica").Message, StringComparison.Ordinal);
        }

        // Hello in the middle, and a request of a kind that is not known: the stream ends, the next one works.
        foreach (var request in new[] { new SessionRequest { Hello = new Hello() }, new SessionRequest() })
        {
            using var session = await Host.OpenSessionAsync();
            await session.SendAsync(request);
            var e = await Assert.ThrowsAsync<RpcException>(session.ReceiveAsync);
            Assert.Contains("takes no", e.Status.Detail, StringComparison.Ordinal);
        }

        await AppendOneAsync();
    }

    [Fact] // R2, R5, R6, R7, INV-15
    public async Task UnaryMessages_AreRefusedTyped_AndThePromiseStandsAsItWas()
    {
        var segment = NewSegment();
        using var session = await ReplicaGrpcTests.FillAsync(Host, segment, 5);
        var (client, key) = (Host.Client, segment.Key);

        // Fences: equal, higher, lower, none, and epochs that nobody gave out.
        Assert.Equal(4, (await FenceAsync(key, 1)).Fenced.DurableLast);
        Assert.Equal(4, (await FenceAsync(key, 5)).Fenced.DurableLast);
        IsRefused((await FenceAsync(key, 4)).Refusal, RefusalKind.Fenced, "epoch 5 is promised");
        IsRefused((await FenceAsync(key, 0)).Refusal, RefusalKind.Invalid, "epoch 0");
        IsRefused((await FenceAsync(key, 1UL << 63)).Refusal, RefusalKind.Invalid, "metadata did not give out this epoch"); // no tombstone
        IsRefused((await FenceAsync(key, 5 + (1UL << 20) + 1)).Refusal, RefusalKind.Invalid, "metadata did not give out this epoch");
        for (var i = 0; i < 200; i++)
            Assert.NotNull((await FenceAsync(key, 5)).Fenced);

        // A log nobody ever saw: the fence holds all the same, and a copy without a promise is refused.
        var unknown = NewSegment();
        IsRefused(await RecoverAsync(unknown, 0, unknown.Header, unknown.Next()), RefusalKind.Invalid, "epoch 0");
        IsRefused(await RecoverAsync(unknown, 3, unknown.Header, unknown.Frames[0]), RefusalKind.Fenced, "not the promised recoverer");
        Assert.Null(Host.Store.Find(unknown.Key));
        Assert.Equal(-1, (await FenceAsync(unknown.Key, 3)).Fenced.DurableLast);
        IsRefused(await RecoverAsync(unknown, 3, [], unknown.Frames[0]), RefusalKind.Gap, "SegmentOpen comes first");
        IsRefused(await RecoverAsync(unknown, 2, unknown.Header, unknown.Frames[0]), RefusalKind.Fenced, "not the promised recoverer");
        IsRefused(await RecoverAsync(unknown, 3, unknown.Header, [9, 9]), RefusalKind.Corrupt, "the frame is cut off");
        using (var empty = client.RecoveryAppend())
        {
            await empty.RequestStream.CompleteAsync();
            var e = await Assert.ThrowsAsync<RpcException>(async () => await empty.ResponseAsync);
            Assert.Contains("begins with an envelope", e.Status.Detail, StringComparison.Ordinal);
        }

        // Ranges that are none.
        await IsRefusedAsync(client.RecoveryRead(Range(key, -1, 4)), "first_entry is -1");
        await IsRefusedAsync(client.RecoveryRead(Range(key, long.MinValue, 4)), "first_entry is -9223372036854775808");
        await IsRefusedAsync(client.RecoveryRead(Range(key, 4, 2)), "last_entry is 2");
        await IsRefusedAsync(client.RecoveryRead(Range(NewSegment().Key, 0, 4)), "not held here");
        Assert.Equal(5, await CountAsync(client.RecoveryRead(Range(key, 0, long.MaxValue))));
        Assert.Equal(0, await CountAsync(client.RecoveryRead(Range(key, long.MaxValue, long.MaxValue))));

        // Seals: below an entry that cannot be, by an old epoch, with another chain, twice, of a segment that is not held.
        IsRefused((await SealAsync(key, 5, -2, segment.Chain)).Refusal, RefusalKind.Invalid, "last_entry is -2");
        IsRefused((await SealAsync(key, 5, long.MinValue, segment.Chain)).Refusal, RefusalKind.Invalid, "last_entry is");
        IsRefused((await SealAsync(key, 1, 4, segment.Chain)).Refusal, RefusalKind.Fenced, "epoch 5 is promised");
        IsRefused((await SealAsync(key, 0, 4, segment.Chain)).Refusal, RefusalKind.Invalid, "epoch 0");
        IsRefused((await SealAsync(NewSegment().Key, 5, 4, segment.Chain)).Refusal, RefusalKind.Gap, "SegmentOpen comes first");
        Assert.Equal(4, (await SealAsync(key, 5, 4, segment.Chain)).DurableLast);
        Assert.Equal(4, (await SealAsync(key, 5, 4, segment.Chain)).DurableLast);
        IsRefused((await SealAsync(key, 5, 3, segment.Chain)).Refusal, RefusalKind.Diverged, "sealed at another end");
        var late = new WireSegment(key, new LogEpoch(5), segment.Member);
        await session.OpenAsync(late);
        Assert.Equal(RefusalKind.Diverged, (await session.WaitForRefusalAsync()).Kind);
        await AppendOneAsync();
    }

    [Fact] // R3: what was accepted before a seal stays, nothing comes behind it
    public async Task AnAppendBehindTheSeal_IsFenced()
    {
        var segment = NewSegment();
        using var session = await ReplicaGrpcTests.FillAsync(Host, segment, 2);
        Assert.Equal(1, (await SealAsync(segment.Key, 1, 1, segment.Chain)).DurableLast);
        await session.AppendAsync(segment, segment.Next());
        IsRefused(await session.WaitForRefusalAsync(), RefusalKind.Fenced, "the segment is sealed");
        await session.OpenAsync(segment);
        IsRefused(await session.WaitForRefusalAsync(), RefusalKind.Fenced, "the segment is sealed");
        await AppendOneAsync();
    }

    [Fact] // R7: a seal below what was confirmed contradicts the chain that is held
    public async Task ASealBelowTheLac_WithAChainThatIsNotHeld_PoisonsTheCopy_AndNoOther()
    {
        var segment = NewSegment();
        using var session = await ReplicaGrpcTests.FillAsync(Host, segment, 4);
        await session.ConfirmAsync(segment, 3);
        IsRefused((await SealAsync(segment.Key, 1, 1, segment.Chain)).Refusal, RefusalKind.Diverged, "chain");
        Assert.Equal(MemberHealth.Damaged, (await FenceAsync(segment.Key, 2)).Fenced.Health);
        await AppendOneAsync();
    }

    [Fact] // R1: for the caller this is unknown, never absent
    public async Task EnvelopesOfOthers_AreUnknown_AndBrokenOnesAreInvalid()
    {
        var key = NewSegment().Key;
        var good = Host.Envelope(key, 1);
        Envelope[] strangers =
        [
            Host.Envelope(key, 1, cluster: Guid.NewGuid()),
            Host.Envelope(key, 1, incarnation: Guid.NewGuid()),
            Changed(good, static e => e.Target.NodeId = "replica-2"),
        ];
        foreach (var envelope in strangers)
        {
            IsRefused((await Host.Client.FenceAsync(new FenceRequest { Envelope = envelope })).Refusal, RefusalKind.WrongReplica, "this is replica-1");
            IsRefused((await Host.Client.SealAsync(new SealRequest { Envelope = envelope })).Refusal, RefusalKind.WrongReplica, "this is replica-1");
            IsRefused((await Host.Client.ReadEntriesAsync(new ReadEntriesRequest { Envelope = envelope })).Refusal, RefusalKind.WrongReplica, "this is replica-1");
            await IsRefusedAsync(Host.Client.RecoveryRead(new RecoveryReadRequest { Envelope = envelope }), "this is replica-1");
        }

        (Envelope? Envelope, string Names)[] broken =
        [
            (null, "no envelope"),
            (new Envelope(), "identity is missing"),
            (Changed(good, static e => e.Target = null), "identity is missing"),
            (Changed(good, static e => e.Target.NodeId = ""), "identity is missing"),
            (Changed(good, static e => e.Target.Incarnation = ByteString.Empty), "incarnation has 0 bytes"),
            (Changed(good, static e => e.ClusterId = ByteString.CopyFrom(new byte[17])), "cluster_id has 17 bytes"),
        ];
        foreach (var (envelope, names) in broken)
        {
            var e = await Assert.ThrowsAsync<RpcException>(async () => await Host.Client.FenceAsync(new FenceRequest { Envelope = envelope }));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Contains(names, e.Status.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(default, Host.Store.Promised(key.Log));
        await AppendOneAsync();
    }

    [Fact] // V1, V5
    public async Task Readers_AreToldWhatTheyAskedWrong_AndManyOfThemWaitAtOnce()
    {
        var segment = NewSegment();
        using var session = await ReplicaGrpcTests.FillAsync(Host, segment, 3);
        ReadEntriesRequest Ask(long first, uint wait = 0, uint bytes = 1 << 20) => new()
        {
            Envelope = Host.Envelope(segment.Key, 0),
            FirstEntry = first,
            MaxBytes = bytes,
            WaitMilliseconds = wait,
        };
        IsRefused((await Host.Client.ReadEntriesAsync(Ask(-1))).Refusal, RefusalKind.Invalid, "first_entry is -1");
        IsRefused((await Host.Client.ReadEntriesAsync(Ask(long.MinValue, wait: uint.MaxValue))).Refusal, RefusalKind.Invalid, "first_entry is");
        using (var tail = Host.Client.Tail(Ask(-1)))
        {
            Assert.True(await tail.ResponseStream.MoveNext(CancellationToken.None));
            IsRefused(tail.ResponseStream.Current.Refusal, RefusalKind.Invalid, "first_entry is -1");
            Assert.False(await tail.ResponseStream.MoveNext(CancellationToken.None));
        }

        Assert.Equal(-1, (await Host.Client.ReadEntriesAsync(Ask(long.MaxValue))).NotYet.VisibleLast);
        var unheld = Ask(0);
        unheld.Envelope.SegmentId = 12345;
        IsRefused((await Host.Client.ReadEntriesAsync(unheld)).Refusal, RefusalKind.Unavailable, "not held here");

        // A thousand long polls of one store, some cancelled in the middle: all others are answered by one LAC.
        using var stop = new CancellationTokenSource();
        var polls = Enumerable.Range(0, 1_000).Select(_ => Host.Client.ReadEntriesAsync(Ask(0, wait: 30_000, bytes: 0)).ResponseAsync).ToList();
        var cancelled = Enumerable.Range(0, 200).Select(_ => Host.Client.ReadEntriesAsync(Ask(0, wait: 30_000), cancellationToken: stop.Token).ResponseAsync).ToList();
        await stop.CancelAsync();
        foreach (var poll in cancelled)
            await Assert.ThrowsAsync<RpcException>(() => poll);
        await session.ConfirmAsync(segment, 2);
        foreach (var answer in await Task.WhenAll(polls).WaitAsync(TimeSpan.FromSeconds(60)))
        {
            // On a busy machine a poll may have waited its whole time before the LAC came.
            var frames = answer.Frames ?? (await Host.Client.ReadEntriesAsync(Ask(0, bytes: 0))).Frames;
            Assert.Single(frames.Frames_); // one frame at least, whatever max_bytes says
        }

        await AppendOneAsync();
    }

    [Fact]
    public async Task TwoStreams_HalfClosedStreams_AndStreamsLeftInTheMiddle_LoseNothingAndHoldNothing()
    {
        var segment = NewSegment();
        using var first = await Host.OpenSessionAsync();
        using var second = await Host.OpenSessionAsync();
        await first.OpenAsync(segment);
        await second.OpenAsync(segment);
        for (var i = 0; i < 20; i++)
            await (i % 2 == 0 ? first : second).AppendAsync(segment, await NextInOrderAsync(segment, first, second, i));
        await first.WaitForAckAsync(segment, 19);
        await second.WaitForAckAsync(segment, 19);

        // Half closed: what was sent is still acknowledged, then the stream ends.
        using (var half = Host.Client.Session())
        {
            var last = segment.Next();
            await half.RequestStream.WriteAsync(HelloRequest());
            await half.RequestStream.WriteAsync(Open(segment));
            await half.RequestStream.WriteAsync(Append(segment, last));
            await half.RequestStream.CompleteAsync();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (await half.ResponseStream.MoveNext(limit.Token))
                Assert.NotEqual(SessionReply.KindOneofCase.Refusal, half.ResponseStream.Current.KindCase);
        }

        // Streams that are reset after Hello, in the middle of a frame, or before anything.
        for (var i = 0; i < 100; i++)
        {
            using var call = Host.Client.Session();
            if (i % 3 > 0)
                await call.RequestStream.WriteAsync(HelloRequest());
            if (i % 3 > 1)
                _ = call.RequestStream.WriteAsync(Append(segment, segment.Frames[0]));
        }

        using var again = await Host.OpenSessionAsync(segment.Key);
        Assert.Equal(20, Assert.Single(again.Hello.Segments).DurableLast);
        await AppendOneAsync();
    }

    [Fact]
    public async Task AMessageOverTheLimit_EndsItsCall_NotTheProcess()
    {
        var segment = NewSegment();
        using var session = await Host.OpenSessionAsync();
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await session.SendAsync(Append(segment, new byte[5 * 1024 * 1024]));
            await session.ReceiveAsync();
        });
        // Whoever still writes may see the end of the stream before its status.
        Assert.True(e.StatusCode is StatusCode.ResourceExhausted or StatusCode.Cancelled, e.Status.ToString());
        await AppendOneAsync();
    }

    [Fact] // INV-31: metadata that cannot be read confirms nothing and denies nothing
    public async Task AnEpochKeyThatIsGarbage_IsTold_AndNoPromiseIsGiven()
    {
        var segment = NewSegment();
        await running.World.Metadata.CommitAsync(
            new MetadataTransaction().Put(MetadataKeys.Epoch(segment.Key.Log), "{\"v\":1,\"epoch\":null}"u8.ToArray()), CancellationToken.None);
        var refusal = (await FenceAsync(segment.Key, (1UL << 20) + 2)).Refusal;
        Assert.Equal(RefusalKind.Unavailable, refusal.Kind);
        Assert.Equal(default, Host.Store.Promised(segment.Key.Log));
        await running.World.Metadata.CommitAsync(
            new MetadataTransaction().Put(MetadataKeys.Epoch(segment.Key.Log), MetadataJson.Write(new EpochValue { Epoch = new LogEpoch(1UL << 21) })), CancellationToken.None);
        Assert.NotNull((await FenceAsync(segment.Key, (1UL << 20) + 2)).Fenced);
    }

    private static async ValueTask<byte[]> NextInOrderAsync(WireSegment segment, WireSession first, WireSession second, int index)
    {
        // Streams have no order between them: the next frame may come only when the one before was taken.
        if (index > 0)
            await (index % 2 == 0 ? second : first).WaitForAckAsync(segment, index - 1);
        return segment.Next();
    }

    private WireSegment NewSegment() =>
        new(new SegmentKey(new LogId(Interlocked.Increment(ref _lastLog)), new SegmentId(0)), new LogEpoch(1), Host.Store.Self);

    private async Task AppendOneAsync()
    {
        using var session = await ReplicaGrpcTests.FillAsync(Host, NewSegment(), 1);
    }

    private async Task<FenceReply> FenceAsync(SegmentKey key, ulong epoch) =>
        await Host.Client.FenceAsync(new FenceRequest { Envelope = Host.Envelope(key, epoch) });

    private async Task<SealReply> SealAsync(SegmentKey key, ulong epoch, long last, ulong chain) =>
        await Host.Client.SealAsync(new SealRequest { Envelope = Host.Envelope(key, epoch), LastEntry = last, Chain = chain });

    private RecoveryReadRequest Range(SegmentKey key, long first, long last) =>
        new() { Envelope = Host.Envelope(key, 5), FirstEntry = first, LastEntry = last };

    private async Task<Refusal> RecoverAsync(WireSegment segment, ulong epoch, byte[] header, byte[] frame)
    {
        using var call = Host.Client.RecoveryAppend();
        await call.RequestStream.WriteAsync(new RecoveryAppendRequest
        {
            Envelope = Host.Envelope(segment.Key, epoch),
            Header = ByteString.CopyFrom(header),
            Frame = ByteString.CopyFrom(frame),
        });
        await call.RequestStream.CompleteAsync();
        return (await call.ResponseAsync).Refusal;
    }

    private static async Task IsRefusedAsync(AsyncServerStreamingCall<FrameChunk> call, string names)
    {
        using (call)
        {
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Contains(names, call.ResponseStream.Current.Refusal?.Message ?? "a frame", StringComparison.Ordinal);
        }
    }

    private static async Task<int> CountAsync(AsyncServerStreamingCall<FrameChunk> call)
    {
        using (call)
        {
            var count = 0;
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                count += call.ResponseStream.Current.KindCase == FrameChunk.KindOneofCase.Frame ? 1 : 1_000;
            return count;
        }
    }

    private static void IsRefused(Refusal? refusal, RefusalKind kind, string names)
    {
        Assert.Equal(kind, refusal?.Kind);
        Assert.Contains(names, refusal!.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Message);
    }

    private static Envelope Changed(Envelope envelope, Action<Envelope> change)
    {
        var copy = envelope.Clone();
        change(copy);
        return copy;
    }

    private static byte[] HeaderOf(WireSegment segment, ulong epoch) => new SegmentHeader
    {
        Log = segment.Key.Log,
        Segment = segment.Key.Segment,
        Epoch = new LogEpoch(epoch),
        BaseOffset = Offset.Zero,
        Ensemble = [segment.Member],
    }.Encode();

    private static SessionRequest HelloRequest() => new()
    {
        Hello = new Hello
        {
            ClusterId = IdentityMapping.ToWire(ReplicaHost.Cluster),
            WriterId = "writer-1",
            MinFormat = 1,
            MaxFormat = 1,
            TargetNodeId = "replica-1",
        },
    };

    private static SessionRequest Open(WireSegment segment, byte[]? header = null, ulong? epoch = null) => new()
    {
        SegmentOpen = new SegmentOpen
        {
            LogId = segment.Key.Log.Value,
            SegmentId = segment.Key.Segment.Value,
            Epoch = epoch ?? segment.Epoch.Value,
            Target = IdentityMapping.ToWire(segment.Member),
            Header = ByteString.CopyFrom(header ?? segment.Header),
        },
    };

    private static SessionRequest Append(WireSegment segment, byte[] frame, ulong? epoch = null) => new()
    {
        Append = new AppendFrame
        {
            LogId = segment.Key.Log.Value,
            SegmentId = segment.Key.Segment.Value,
            Epoch = epoch ?? segment.Epoch.Value,
            Frame = ByteString.CopyFrom(frame),
        },
    };

    private static SessionRequest Lac(WireSegment segment, long lac) => new()
    {
        Lac = new Lac { LogId = segment.Key.Log.Value, SegmentId = segment.Key.Segment.Value, Epoch = segment.Epoch.Value, Lac_ = lac },
    };
}
