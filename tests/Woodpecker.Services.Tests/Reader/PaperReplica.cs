using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Reading;
using ReplicaBase = Woodpecker.Protocol.Replica.Replica.ReplicaBase;

namespace Woodpecker.Services.Tests.Reader;

/// <summary>All replicas of a paper log behind one gRPC service; the envelope says which one is meant.</summary>
internal sealed class PaperReplica(PaperLog log) : ReplicaBase
{
    public override async Task<ReadEntriesReply> ReadEntries(ReadEntriesRequest request, ServerCallContext context)
    {
        Assert.Equal(PaperLog.ClusterId, IdentityMapping.ToGuid(request.Envelope.ClusterId, "cluster_id"));
        var question = new TailRequest(
            new SegmentKey(new LogId(request.Envelope.LogId), new SegmentId(request.Envelope.SegmentId)),
            IdentityMapping.ToReplicaId(request.Envelope.Target),
            new EntryId(request.FirstEntry),
            (int)request.MaxBytes,
            TimeSpan.FromMilliseconds(request.WaitMilliseconds));
        return ToReply(await log.Members.ReadAsync(question, context.CancellationToken));
    }

    private static ReadEntriesReply ToReply(TailAnswer answer)
    {
        var last = answer.LastVisible.Value;
        switch (answer.Kind)
        {
            case TailAnswerKind.Frames:
                var frames = new ReadEntriesReply.Types.Frames { VisibleLast = last };
                frames.Frames_.AddRange(answer.Frames.Select(static frame => ByteString.CopyFrom(frame.Span)));
                return new ReadEntriesReply { Frames = frames };
            case TailAnswerKind.NotYet:
                return new ReadEntriesReply { NotYet = new ReadEntriesReply.Types.NotYet { VisibleLast = last } };
            case TailAnswerKind.Sealed:
                return new ReadEntriesReply { Sealed = new ReadEntriesReply.Types.SealedEnd { LastEntry = last } };
            default:
                return new ReadEntriesReply
                {
                    Refusal = new Refusal { Kind = RefusalKind.Unavailable, Message = answer.Detail },
                };
        }
    }
}
