using System.Globalization;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Protocol.Transport;
using Woodpecker.Storage.Reading;
using ReplicaClient = Woodpecker.Protocol.Replica.Replica.ReplicaClient;

namespace Woodpecker.Reader.Tails;

/// <summary>Members of ensembles over the network: one long-poll per question, at the member's app id.</summary>
/// <remarks>Whatever goes wrong on the way is Unavailable: nothing is learned about the entries (R1, V2).</remarks>
internal sealed class RemoteTailSource(IPeerChannels channels, ClusterIdentity cluster) : ITailSource
{
    public async ValueTask<TailAnswer> ReadAsync(TailRequest request, CancellationToken cancellationToken)
    {
        var node = request.Member.NodeId;
        try
        {
            var clusterId = await cluster.GetAsync(cancellationToken);
            var client = new ReplicaClient(channels.GetInvoker(node));
            using var call = client.ReadEntriesAsync(ToWire(clusterId, request), cancellationToken: cancellationToken);
            return ToAnswer(node, await call.ResponseAsync);
        }
        catch (RpcException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Status.Detail, e, cancellationToken);
        }
        catch (RpcException e)
        {
            return TailAnswer.Failed(TailAnswerKind.Unavailable, FailureMapping.FromRpcException(e, node).Message);
        }
        catch (Exception e) when (e is WoodpeckerException or TransportConfigurationException or ArgumentException)
        {
            return TailAnswer.Failed(TailAnswerKind.Unavailable, $"{node}: {e.Message}");
        }
    }

    private static ReadEntriesRequest ToWire(Guid clusterId, in TailRequest request) => new()
    {
        Envelope = IdentityMapping.ToEnvelope(clusterId, request.Member, request.Segment, default),
        FirstEntry = request.First.Value,
        MaxBytes = (uint)request.MaxBytes,
        WaitMilliseconds = (uint)request.Wait.TotalMilliseconds,
    };

    private static TailAnswer ToAnswer(string node, ReadEntriesReply reply)
    {
        switch (reply.KindCase)
        {
            case ReadEntriesReply.KindOneofCase.Frames when reply.Frames.Frames_.Count > 0:
                var frames = new ReadOnlyMemory<byte>[reply.Frames.Frames_.Count];
                for (var i = 0; i < frames.Length; i++)
                    frames[i] = reply.Frames.Frames_[i].Memory;
                return TailAnswer.Of(frames, new EntryId(reply.Frames.VisibleLast));
            case ReadEntriesReply.KindOneofCase.NotYet:
                return TailAnswer.NotYet(new EntryId(reply.NotYet.VisibleLast));
            case ReadEntriesReply.KindOneofCase.Sealed:
                return TailAnswer.Sealed(new EntryId(reply.Sealed.LastEntry));
            case ReadEntriesReply.KindOneofCase.Refusal:
                return Refused(node, reply.Refusal);
            default:
                return TailAnswer.Failed(TailAnswerKind.Unavailable, $"{node} gave an answer that is not known here");
        }
    }

    private static TailAnswer Refused(string node, Refusal refusal)
    {
        var kind = refusal.Kind == RefusalKind.Corrupt ? TailAnswerKind.Corrupt : TailAnswerKind.Unavailable;
        return TailAnswer.Failed(
            kind, string.Create(CultureInfo.InvariantCulture, $"{node} refused: {refusal.Kind} {refusal.Message}"));
    }
}
