using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replicas;
using Woodpecker.Testing.Replicas;
using CoreHealth = Woodpecker.Recovery.MemberHealth;
using Wire = Woodpecker.Protocol.Replica.Replica;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>The wire side of a store in memory with faults: real messages, real order of answers.</summary>
internal sealed class MemoryReplicaService(MemoryReplicaStore store) : Wire.ReplicaBase
{
    /// <summary>What is sent instead of an acknowledgement; null: the truth. Whoever lies greets nobody.</summary>
    public Func<Ack, IEnumerable<Ack>>? Lie { get; set; }

    public override async Task Session(
        IAsyncStreamReader<SessionRequest> requestStream, IServerStreamWriter<SessionReply> responseStream,
        ServerCallContext context)
    {
        Assert.True(await requestStream.MoveNext(context.CancellationToken));
        if (Lie is not null)
            throw new RpcException(new Status(StatusCode.Unavailable, "not now"));
        await responseStream.WriteAsync(
            new SessionReply { Hello = Greet(requestStream.Current.Hello) }, context.CancellationToken);
        var answers = Channel.CreateBounded<Task<SessionReply>>(10_000);
        var answering = AnswerAsync(answers.Reader, responseStream, context.CancellationToken);
        try
        {
            while (await requestStream.MoveNext(context.CancellationToken))
                await TakeAsync(requestStream.Current, answers.Writer);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The writer broke the stream.
        }

        answers.Writer.Complete();
        await answering;
    }

    public override async Task<FenceReply> Fence(FenceRequest request, ServerCallContext context)
    {
        var (key, epoch, generation) = Open(request.Envelope);
        var (reply, header, refusal) = await store.FenceAsync(key, epoch, generation, context.CancellationToken);
        if (reply is not { } known)
            return new FenceReply { Refusal = ToWire(refusal, key) };
        return new FenceReply
        {
            Fenced = new FenceReply.Types.Fenced
            {
                Replica = IdentityMapping.ToWire(known.Replica),
                DurableLast = known.DurableEntry.Value,
                Chain = known.Chain,
                Lac = known.ConfirmedEntry.Value,
                Header = ByteString.CopyFrom(header.Span),
                Health = known.Health switch
                {
                    CoreHealth.Clean => MemberHealth.Clean,
                    CoreHealth.Ambiguous => MemberHealth.Ambiguous,
                    _ => MemberHealth.Damaged,
                },
            },
        };
    }

    public override async Task RecoveryRead(
        RecoveryReadRequest request, IServerStreamWriter<FrameChunk> responseStream, ServerCallContext context)
    {
        var (key, _, _) = Open(request.Envelope);
        await foreach (var frame in store.ReadFramesAsync(
            key, new EntryId(request.FirstEntry), new EntryId(request.LastEntry), context.CancellationToken))
        {
            await responseStream.WriteAsync(
                new FrameChunk { Frame = ByteString.CopyFrom(frame.Span) }, context.CancellationToken);
        }
    }

    public override async Task<RecoveryAppendReply> RecoveryAppend(
        IAsyncStreamReader<RecoveryAppendRequest> requestStream, ServerCallContext context)
    {
        Assert.True(await requestStream.MoveNext(context.CancellationToken));
        var first = requestStream.Current;
        var (key, epoch, generation) = Open(first.Envelope);
        var answer = await store.RecoveryOpenAsync(epoch, generation, first.Header.Memory, context.CancellationToken);
        while (answer.Refusal is null && await requestStream.MoveNext(context.CancellationToken))
            answer =
                await store.RecoveryAppendAsync(
                key, epoch, requestStream.Current.Frame.Memory, context.CancellationToken);
        return answer.Refusal is { } refusal
            ? new RecoveryAppendReply { Refusal = ToWire(refusal, key) }
            : new RecoveryAppendReply { DurableUpTo = answer.DurableEntry.Value };
    }

    public override async Task<SealReply> Seal(SealRequest request, ServerCallContext context)
    {
        var (key, epoch, _) = Open(request.Envelope);
        var answer = await store.SealAsync(
            key, epoch, new EntryId(request.LastEntry), request.Chain, context.CancellationToken);
        return answer.Refusal is { } refusal
            ? new SealReply { Refusal = ToWire(refusal, key) }
            : new SealReply { DurableLast = answer.DurableEntry.Value };
    }

    private HelloReply Greet(Hello hello)
    {
        Assert.Equal(store.Self.NodeId, hello.TargetNodeId);
        var reply = new HelloReply { Replica = IdentityMapping.ToWire(store.Self), MinFormat = 1, MaxFormat = 1 };
        foreach (var segment in hello.Segments)
        {
            var durable = store.FindDurable(new SegmentKey(new LogId(segment.LogId), new SegmentId(segment.SegmentId)));
            reply.Segments.Add(new SegmentStatus
            {
                LogId = segment.LogId,
                SegmentId = segment.SegmentId,
                Promised = store.PromisedEpoch(new LogId(segment.LogId)).Value,
                Known = durable is not null,
                DurableLast = durable?.Value ?? -1,
            });
        }

        return reply;
    }

    private async ValueTask TakeAsync(
        SessionRequest request, ChannelWriter<Task<SessionReply>> answers)
    {
        switch (request.KindCase)
        {
            case SessionRequest.KindOneofCase.SegmentOpen:
                var open = request.SegmentOpen;
                await answers.WriteAsync(ReplyAsync(Key(open.LogId, open.SegmentId), open.Epoch, store.OpenSegmentAsync(
                    new LogEpoch(open.Epoch), open.Target.Generation, open.Header.Memory, CancellationToken.None)));
                break;
            case SessionRequest.KindOneofCase.Append:
                var append = request.Append;
                var key = Key(append.LogId, append.SegmentId);
                await answers.WriteAsync(ReplyAsync(key, append.Epoch, store.AppendAsync(
                    key, new LogEpoch(append.Epoch), append.Frame.Memory, CancellationToken.None)));
                break;
            case SessionRequest.KindOneofCase.Lac:
                var lac = request.Lac;
                var known = store.Confirm(
                    Key(lac.LogId, lac.SegmentId), new LogEpoch(lac.Epoch), new EntryId(lac.Lac_));
                await answers.WriteAsync(Task.FromResult(new SessionReply
                {
                    LacAck = new LacAck { LogId = lac.LogId, SegmentId = lac.SegmentId, Lac = known.Value },
                }));
                break;
        }
    }

    private async Task<SessionReply> ReplyAsync(SegmentKey key, ulong epoch, ValueTask<ReplicaAnswer> pending)
    {
        var answer = await pending;
        return answer.Refusal is { } refusal
            ? new SessionReply { Refusal = ToWire(refusal, key) }
            : new SessionReply { Ack = ToAck(key, epoch, answer) };
    }

    private async Task AnswerAsync(
        ChannelReader<Task<SessionReply>> answers,
        IServerStreamWriter<SessionReply> replies,
        CancellationToken cancellationToken)
    {
        await foreach (var pending in answers.ReadAllAsync(CancellationToken.None))
        {
            var answer = await pending;
            if (cancellationToken.IsCancellationRequested)
                continue;
            try
            {
                if (answer.Ack is { } ack && Lie is { } lie)
                {
                    foreach (var lied in lie(ack))
                        await replies.WriteAsync(new SessionReply { Ack = lied }, cancellationToken);
                    continue;
                }

                await replies.WriteAsync(answer, cancellationToken);
            }
            catch (Exception e) when (e is OperationCanceledException or InvalidOperationException or IOException)
            {
                // The writer broke the stream: what is durable stays so, nobody is told.
            }
        }
    }

    private Ack ToAck(SegmentKey key, ulong epoch, ReplicaAnswer answer) => new()
    {
        Replica = IdentityMapping.ToWire(store.Self),
        LogId = key.Log.Value,
        SegmentId = key.Segment.Value,
        Epoch = epoch,
        DurableUpTo = answer.DurableEntry.Value,
    };

    private Refusal ToWire(ReplicaRefusal refusal, SegmentKey key) => new()
    {
        Kind = (RefusalKind)(int)refusal.Kind,
        Replica = IdentityMapping.ToWire(store.Self),
        LogId = key.Log.Value,
        SegmentId = key.Segment.Value,
        Promised = refusal.Promised.Value,
        ExpectedEntry = refusal.Expected.Value,
        HeaderMissing = refusal.IsHeaderMissing,
        Message = refusal.Detail,
    };

    private (SegmentKey Key, LogEpoch Epoch, uint Generation) Open(Envelope envelope)
    {
        var target = IdentityMapping.ToReplicaId(envelope.Target);
        if (!target.IsSameStore(store.Self))
            throw new RpcException(new Status(StatusCode.Unavailable, "another store"));
        return (Key(envelope.LogId, envelope.SegmentId), new LogEpoch(envelope.Epoch), target.Generation);
    }

    private static SegmentKey Key(ulong log, ulong segment) => new(new LogId(log), new SegmentId(segment));
}
