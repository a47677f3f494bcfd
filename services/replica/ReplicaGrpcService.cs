using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replica.Sessions;
using Woodpecker.Replicas;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Replicas;
using Wire = Woodpecker.Protocol.Replica.Replica;

namespace Woodpecker.Replica;

/// <summary>The replica's edge: map in, ask the store, map out. Refusals are answers, never status codes.</summary>
internal sealed class ReplicaGrpcService(ReplicaNode node, IHostApplicationLifetime lifetime) : Wire.ReplicaBase
{
    // One frame may be as large as a message may be; beyond one frame an answer stays well below that.
    private const int MaxReadBytes = 1024 * 1024;
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _heartbeat = TimeSpan.FromSeconds(5);

    public override async Task Session(
        IAsyncStreamReader<SessionRequest> requestStream, IServerStreamWriter<SessionReply> responseStream, ServerCallContext context)
    {
        using var either = Stopping(context);
        await new ReplicaSession(node, requestStream, responseStream).RunAsync(either.Token);
    }

    public override async Task<FenceReply> Fence(FenceRequest request, ServerCallContext context)
    {
        var (store, target, key) = Open(request.Envelope);
        if (Check(store, target, request.Envelope) is { } wrong)
            return new FenceReply { Refusal = Refuse(store, wrong, key) };
        var answer = await store.FenceAsync(
            key, new LogEpoch(request.Envelope.Epoch), target.Generation, context.CancellationToken);
        // T1: a recoverer has the epoch that metadata gave it; a higher promise is a zombie's sign, or metadata's that went back.
        if (answer.Reply is null && answer.Refusal is { Kind: ReplicaRefusalKind.Fenced } refused && refused.Promised.Value > request.Envelope.Epoch)
            node.Doubt();
        return answer.Reply is { } reply
            ? new FenceReply { Fenced = ReplicaMapping.ToWire(reply, answer.Header) }
            : new FenceReply { Refusal = Refuse(store, answer.Refusal, key) };
    }

    public override async Task RecoveryRead(
        RecoveryReadRequest request, IServerStreamWriter<FrameChunk> responseStream, ServerCallContext context)
    {
        var (store, target, key) = Open(request.Envelope);
        var refusal = Check(store, target, request.Envelope)
            ?? ReplicaMapping.CheckEntry("first_entry", request.FirstEntry, 0)
            ?? ReplicaMapping.CheckEntry("last_entry", request.LastEntry, request.FirstEntry - 1);
        if (refusal is null)
        {
            try
            {
                var frames = store.ReadFramesAsync(
                    key, new EntryId(request.FirstEntry), new EntryId(request.LastEntry), context.CancellationToken);
                await foreach (var frame in frames)
                {
                    await responseStream.WriteAsync(
                        new FrameChunk { Frame = UnsafeByteOperations.UnsafeWrap(frame) }, context.CancellationToken);
                }

                return;
            }
            catch (WoodpeckerException e)
            {
                refusal = ReplicaMapping.ToRefusal(e);
            }
        }

        await responseStream.WriteAsync(
            new FrameChunk { Refusal = Refuse(store, refusal.Value, key) }, context.CancellationToken);
    }

    public override async Task<RecoveryAppendReply> RecoveryAppend(
        IAsyncStreamReader<RecoveryAppendRequest> requestStream, ServerCallContext context)
    {
        if (!await requestStream.MoveNext(context.CancellationToken))
            throw new WoodpeckerException(ErrorKind.Invalid, "A recovery copy begins with an envelope.");
        var first = requestStream.Current;
        var (store, target, key) = Open(first.Envelope);
        var epoch = new LogEpoch(first.Envelope.Epoch);
        if (Check(store, target, first.Envelope) is { } wrong)
            return new RecoveryAppendReply { Refusal = Refuse(store, wrong, key) };
        if (!first.Header.IsEmpty)
        {
            var opened = await store.RecoveryHeaderAsync(key, epoch, first.Header.Memory, context.CancellationToken);
            if (opened is { } refusal)
                return new RecoveryAppendReply { Refusal = Refuse(store, refusal, key) };
        }

        do
        {
            if (requestStream.Current.Frame.IsEmpty)
                continue;
            var answer = await store.RecoveryAppendAsync(
                key, epoch, requestStream.Current.Frame.Memory, context.CancellationToken);
            if (answer is { } refusal)
                return new RecoveryAppendReply { Refusal = Refuse(store, refusal, key) };
        }
        while (await requestStream.MoveNext(context.CancellationToken));

        var durable = await store.FlushAsync(key, context.CancellationToken);
        return new RecoveryAppendReply { DurableUpTo = durable.Value };
    }

    public override async Task<SealReply> Seal(SealRequest request, ServerCallContext context)
    {
        var (store, target, key) = Open(request.Envelope);
        var refused = Check(store, target, request.Envelope) ?? ReplicaMapping.CheckEntry("last_entry", request.LastEntry, -1);
        if (refused is { } wrong)
            return new SealReply { Refusal = Refuse(store, wrong, key) };
        var answer = await store.SealAsync(
            key,
            new LogEpoch(request.Envelope.Epoch),
            new EntryId(request.LastEntry),
            request.Chain,
            context.CancellationToken);
        return answer is { } refusal
            ? new SealReply { Refusal = Refuse(store, refusal, key) }
            : new SealReply { DurableLast = (store.Find(key)?.DurableEntry ?? EntryId.None).Value };
    }

    public override async Task<ReadEntriesReply> ReadEntries(ReadEntriesRequest request, ServerCallContext context)
    {
        using var either = Stopping(context);
        var wait = TimeSpan.FromMilliseconds(request.WaitMilliseconds);
        return await ReadAsync(
            request, new EntryId(request.FirstEntry), wait < _longestWait ? wait : _longestWait, either.Token);
    }

    public override async Task Tail(
        ReadEntriesRequest request, IServerStreamWriter<ReadEntriesReply> responseStream, ServerCallContext context)
    {
        using var either = Stopping(context);
        var next = new EntryId(request.FirstEntry);
        while (true)
        {
            var reply = await ReadAsync(request, next, _heartbeat, either.Token);
            await responseStream.WriteAsync(reply, either.Token);
            if (reply.KindCase is ReadEntriesReply.KindOneofCase.Refusal or ReadEntriesReply.KindOneofCase.Sealed)
                return;
            if (reply.KindCase == ReadEntriesReply.KindOneofCase.Frames)
                next = LastOf(reply.Frames.Frames_[^1]) + 1;
        }
    }

    private async Task<ReadEntriesReply> ReadAsync(
        ReadEntriesRequest request, EntryId first, TimeSpan wait, CancellationToken cancellationToken)
    {
        var (store, target, key) = Open(request.Envelope);
        var refused = Check(store, target, request.Envelope) ?? ReplicaMapping.CheckEntry("first_entry", first.Value, 0);
        if (refused is { } wrong)
            return new ReadEntriesReply { Refusal = Refuse(store, wrong, key) };
        var maxBytes = (int)Math.Clamp(request.MaxBytes, 1, MaxReadBytes);
        try
        {
            var read = await store.ReadTailAsync(key, first, maxBytes, wait, cancellationToken);
            switch (read.Kind)
            {
                case TailAnswerKind.Frames:
                    var frames = new ReadEntriesReply.Types.Frames { VisibleLast = read.LastVisible.Value };
                    foreach (var frame in read.Frames)
                        frames.Frames_.Add(UnsafeByteOperations.UnsafeWrap(frame));
                    return new ReadEntriesReply { Frames = frames };
                case TailAnswerKind.NotYet:
                    return new ReadEntriesReply { NotYet = new() { VisibleLast = read.LastVisible.Value } };
                case TailAnswerKind.Sealed:
                    return new ReadEntriesReply { Sealed = new() { LastEntry = read.LastVisible.Value } };
                default:
                    var kind = read.Kind == TailAnswerKind.Corrupt ? ReplicaRefusalKind.Corrupt : ReplicaRefusalKind.Unavailable;
                    return new ReadEntriesReply { Refusal = Refuse(store, ReplicaRefusal.Of(kind, read.Detail), key) };
            }
        }
        catch (WoodpeckerException e)
        {
            return new ReadEntriesReply { Refusal = Refuse(store, ReplicaMapping.ToRefusal(e), key) };
        }
    }

    private (ReplicaStore Store, ReplicaId Target, SegmentKey Key) Open(Envelope? envelope)
    {
        if (envelope is null)
            throw new WoodpeckerException(ErrorKind.Invalid, "The message has no envelope.");
        return (node.Store, IdentityMapping.ToReplicaId(envelope.Target), ReplicaMapping.ToKey(envelope));
    }

    // R1: for the caller this is unknown, never "absent".
    private ReplicaRefusal? Check(ReplicaStore store, ReplicaId target, Envelope envelope) =>
        IdentityMapping.ToGuid(envelope.ClusterId, "cluster_id") == node.ClusterId && target.IsSameStore(store.Self)
            ? null
            : ReplicaRefusal.Of(ReplicaRefusalKind.WrongReplica, $"this is {store.Self} of cluster {node.ClusterId:N}");

    private static Refusal Refuse(ReplicaStore store, in ReplicaRefusal refusal, SegmentKey key) =>
        ReplicaMapping.ToWire(refusal, IdentityMapping.ToWire(store.Self), key);

    private static EntryId LastOf(ByteString frame)
    {
        Format.Entries.FrameHeader.Read(frame.Span, out var header);
        return header.FirstEntry + (header.Count - 1);
    }

    // A stopping process ends its long calls itself, so that the host need not wait for them.
    private CancellationTokenSource Stopping(ServerCallContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
}
