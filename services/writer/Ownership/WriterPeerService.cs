using Grpc.Core;
using Woodpecker.Protocol.Peers;

namespace Woodpecker.Writer.Ownership;

/// <summary>Answers other writers that ask whether this process still owns a log (O4).</summary>
internal sealed class WriterPeerService(LogOwnership ownership) : WriterPeer.WriterPeerBase
{
    public override Task<AskOwnerReply> AskOwner(AskOwnerRequest request, ServerCallContext context) =>
        Task.FromResult(new AskOwnerReply
        {
            Epoch = ownership.FindOpen(new LogId(request.LogId))?.Epoch.Value ?? 0,
            IsDraining = ownership.IsDraining,
        });
}
