using Grpc.Core;
using Woodpecker.Protocol.Peers;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Writer.Ownership;

/// <summary>Answers other writers: whether this process owns a log (O4), whether it takes one over (O6).</summary>
internal sealed class WriterPeerService(LogOwnership ownership, LogTransactions logs) : WriterPeer.WriterPeerBase
{
    public override Task<AskOwnerReply> AskOwner(AskOwnerRequest request, ServerCallContext context) =>
        Task.FromResult(new AskOwnerReply
        {
            Epoch = ownership.FindOpen(new LogId(request.LogId))?.Epoch.Value ?? 0,
            IsDraining = ownership.IsDraining,
        });

    public override async Task<TakeOverReply> TakeOver(TakeOverRequest request, ServerCallContext context)
    {
        var refusal = await logs.FindAsync(new LogId(request.LogId), context.CancellationToken) is { } log
            ? await ownership.TakeOverAsync(log, new LogEpoch(request.Epoch), context.CancellationToken)
            : "There is no such log.";
        return new TakeOverReply { IsTaken = refusal is null, Reason = refusal ?? "" };
    }
}
