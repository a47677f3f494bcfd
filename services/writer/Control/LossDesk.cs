using Woodpecker.Protocol.Control;
using Woodpecker.Segments;
using Woodpecker.Services;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer.Control;

/// <summary>
/// Operators' decisions about segments whose members are lost (11.6). While one is carried out, the log takes no appends
/// here.
/// </summary>
internal sealed class LossDesk(
    WriterNode node, LogTransactions logs, WriterTransactions transactions, LogOwnership ownership)
{
    /// <summary>Seals a segment by force, or tells what that would lose.</summary>
    /// <exception cref="WoodpeckerException">Conflict: nothing was done, with the reason.</exception>
    public async ValueTask<ForceSealAnswer> ForceSealAsync(
        string name, SegmentId segment, ForceSealBody body, CancellationToken cancellationToken)
    {
        var log = await logs.FindAsync(Problems.CheckLogName(name), cancellationToken) ?? throw Problems.UnknownLog(name);
        var decision = ToDecision(body);
        using var closed = await ownership.KeepClosedAsync(log.Id, cancellationToken);
        await CheckOwnerAsync(log.Id, segment, decision, cancellationToken);
        await ownership.DropAsync(log.Id);
        var result = await node.ForceSealAsync(log, segment, decision, cancellationToken);
        ownership.Unblock(log.Id);
        return ToAnswer(segment, result);
    }

    private static LossDecision ToDecision(ForceSealBody body)
    {
        var by = body.By?.Trim() ?? "";
        var why = body.Reason?.Trim() ?? "";
        if (body.AcceptDataLoss && (by.Length == 0 || why.Length == 0))
            throw Problems.Invalid("A data loss is accepted by someone for a reason: 'by' and 'reason' are missing.");
        if (by.Length > AuditValue.MaxBy || why.Length > AuditValue.MaxWhy)
        {
            throw Problems.Invalid(
                $"'by' has at most {AuditValue.MaxBy} characters and 'reason' at most {AuditValue.MaxWhy}.");
        }

        return new LossDecision(body.AcceptDataLoss, by, why);
    }

    // Telling what would be lost must not disturb a writer that works.
    private async ValueTask CheckOwnerAsync(
        LogId log, SegmentId segment, LossDecision decision, CancellationToken cancellationToken)
    {
        if (decision.IsAccepted)
            return;
        var owner = ownership.FindOpen(log) is null
            ? await ownership.FindOtherOwnerAsync(log, cancellationToken) : node.AppId;
        if (owner is null)
            return;
        foreach (var (id, value) in await transactions.ListSegmentsAsync(log, cancellationToken))
        {
            if (id == segment && value.Value.State == SegmentState.Open)
            {
                throw new WoodpeckerException(
                    ErrorKind.Conflict,
                    $"Segment {segment} is open and its writer {owner} is alive: nothing is known to be lost. "
                    + "With the data loss accepted, the log is taken from that writer.")
                {
                    Reason = "NotBlocked",
                };
            }
        }
    }

    private static ForceSealAnswer ToAnswer(SegmentId segment, ForcedSealResult result)
    {
        var lost = result.Segment.Lost!;
        return new ForceSealAnswer
        {
            Segment = segment.Value,
            EntryCount = (ulong)(result.Segment.LastEntry!.Value.Value + 1),
            Lost = new LostOffsets(lost.From.Value, lost.To.Value),
            NextOffset = lost.To.Value + 1,
            Members = result.Facts.Count == 0 ? null : result.Facts,
        };
    }
}
