using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Protocol.Transport;
using Woodpecker.Storage.Writing;
using FenceReply = Woodpecker.Protocol.Replica.FenceReply;
using MemberHealth = Woodpecker.Recovery.MemberHealth;
using ReplicaClient = Woodpecker.Protocol.Replica.Replica.ReplicaClient;
using WireHealth = Woodpecker.Protocol.Replica.MemberHealth;

namespace Woodpecker.Writer.Replication;

/// <summary>The members of a segment over the network, by their app ids.</summary>
/// <remarks>Whatever the network or a sidecar says is Unavailable: unknown, never "absent" (T3).</remarks>
internal sealed class RemoteEnsemble(
    SegmentKey segment, IReadOnlyList<ReplicaId> members, Guid clusterId, IPeerChannels channels) : IEnsemble
{
    public SegmentKey Segment => segment;

    public IReadOnlyList<ReplicaId> Members => members;

    public async ValueTask<MemberFence> FenceAsync(int member, LogEpoch epoch, CancellationToken cancellationToken)
    {
        try
        {
            var request = new FenceRequest { Envelope = Envelope(member, epoch) };
            using var call = Client(member).FenceAsync(request, cancellationToken: cancellationToken);
            return ToFence(member, await call.ResponseAsync);
        }
        catch (Exception e) when (Translate(e, member, cancellationToken) is { } known)
        {
            throw known;
        }
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        int member,
        LogEpoch epoch,
        EntryId firstEntry,
        EntryId lastEntry,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new RecoveryReadRequest
        {
            Envelope = Envelope(member, epoch),
            FirstEntry = firstEntry.Value,
            LastEntry = lastEntry.Value,
        };
        using var call = Client(member).RecoveryRead(request, cancellationToken: cancellationToken);
        while (await MoveNextAsync(call.ResponseStream, member, cancellationToken))
        {
            var chunk = call.ResponseStream.Current;
            if (chunk.KindCase != FrameChunk.KindOneofCase.Frame)
                throw Refused(member, chunk.Refusal);
            yield return chunk.Frame.Memory;
        }
    }

    public async ValueTask<EntryId> CopyToAsync(
        int member,
        LogEpoch epoch,
        ReadOnlyMemory<byte> header,
        IAsyncEnumerable<ReadOnlyMemory<byte>> frames,
        CancellationToken cancellationToken)
    {
        try
        {
            using var call = Client(member).RecoveryAppend(cancellationToken: cancellationToken);
            var first = new RecoveryAppendRequest
            {
                Envelope = Envelope(member, epoch),
                Header = UnsafeByteOperations.UnsafeWrap(header),
            };
            var isHeard = await TryWriteAsync(call.RequestStream, first, cancellationToken);
            if (isHeard)
            {
                await foreach (var frame in frames.WithCancellation(cancellationToken))
                {
                    var message = new RecoveryAppendRequest { Frame = UnsafeByteOperations.UnsafeWrap(frame) };
                    isHeard = await TryWriteAsync(call.RequestStream, message, cancellationToken);
                    if (!isHeard)
                        break;
                }
            }

            if (isHeard)
                await call.RequestStream.CompleteAsync();
            var reply = await call.ResponseAsync;
            return reply.KindCase == RecoveryAppendReply.KindOneofCase.DurableUpTo
                ? new EntryId(reply.DurableUpTo)
                : throw Refused(member, reply.Refusal);
        }
        catch (Exception e) when (Translate(e, member, cancellationToken) is { } known)
        {
            throw known;
        }
    }

    public async ValueTask SealAsync(
        int member, LogEpoch epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        try
        {
            var request =
                new SealRequest { Envelope = Envelope(member, epoch), LastEntry = lastEntry.Value, Chain = chain };
            using var call = Client(member).SealAsync(request, cancellationToken: cancellationToken);
            var reply = await call.ResponseAsync;
            if (reply.KindCase == SealReply.KindOneofCase.Refusal)
                throw Refused(member, reply.Refusal);
        }
        catch (Exception e) when (Translate(e, member, cancellationToken) is { } known)
        {
            throw known;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ReplicaClient Client(int member) => new(channels.GetInvoker(members[member].NodeId));

    private Envelope Envelope(int member, LogEpoch epoch) =>
        IdentityMapping.ToEnvelope(clusterId, members[member], segment, epoch);

    private MemberFence ToFence(int member, FenceReply reply)
    {
        if (reply.KindCase == FenceReply.KindOneofCase.Refusal)
        {
            return reply.Refusal.Kind == RefusalKind.Fenced
                ? new MemberFence(null, default, new LogEpoch(reply.Refusal.Promised))
                : throw Refused(member, reply.Refusal);
        }

        if (reply.Fenced is not { } fenced)
            throw Unavailable(member, "its answer to a fence is not known here");
        var health = fenced.Health switch
        {
            WireHealth.Clean => MemberHealth.Clean,
            WireHealth.Ambiguous => MemberHealth.Ambiguous,
            WireHealth.Damaged => MemberHealth.Damaged,
            _ => throw Unavailable(member, "its health is not known here"),
        };
        var known = new Recovery.FenceReply(
            IdentityMapping.ToReplicaId(fenced.Replica),
            new EntryId(fenced.DurableLast),
            fenced.Chain,
            new EntryId(fenced.Lac),
            HasHeader: fenced.Header.Length > 0,
            health);
        return new MemberFence(known, fenced.Header.Memory, default);
    }

    // False: the member answered before it had heard everything; its answer says why (R6).
    private static async ValueTask<bool> TryWriteAsync(
        IClientStreamWriter<RecoveryAppendRequest> stream, RecoveryAppendRequest message, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(message, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or RpcException)
        {
            // The call is over, even with status OK: the answer tells how.
            return false;
        }
    }

    private async ValueTask<bool> MoveNextAsync(
        IAsyncStreamReader<FrameChunk> stream, int member, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.MoveNext(cancellationToken);
        }
        catch (Exception e) when (Translate(e, member, cancellationToken) is { } known)
        {
            throw known;
        }
    }

    private Exception? Translate(Exception error, int member, CancellationToken cancellationToken) => error switch
    {
        RpcException when cancellationToken.IsCancellationRequested =>
            new OperationCanceledException(cancellationToken),
        RpcException rpc =>
            FailureMapping.FromRpcException(rpc, members[member].NodeId) is { Kind: ErrorKind.Corrupt } corrupt
            ? corrupt
            : Unavailable(member, rpc.Status.Detail, rpc),
        TransportConfigurationException or ArgumentException => Unavailable(member, error.Message, error),
        _ => null,
    };

    private WoodpeckerException Refused(int member, Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.Fenced => new WoodpeckerException(
            ErrorKind.Fenced, $"{members[member].NodeId} promised epoch {refusal.Promised}.")
        { Reason = "Fenced" },
        RefusalKind.Corrupt or RefusalKind.Diverged => new WoodpeckerException(
            ErrorKind.Corrupt, $"{members[member].NodeId}: {refusal.Kind} {refusal.Message}")
        { Reason = refusal.Kind.ToString() },
        _ => Unavailable(member, $"{refusal.Kind} {refusal.Message}"),
    };

    private WoodpeckerException Unavailable(int member, string why, Exception? cause = null) =>
        new(ErrorKind.Unavailable, $"{members[member].NodeId} does not answer: {why}",
            cause)
        { Reason = "MemberUnavailable" };
}
