using Microsoft.Extensions.Logging;
using Woodpecker.Recovery;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Writing;

/// <summary>How a segment was sealed by force.</summary>
/// <param name="Segment">Its sealed value, with the lost range.</param>
/// <param name="Facts">What its members said, one sentence each; empty if it was sealed by an earlier call.</param>
public sealed record ForcedSealResult(SegmentValue Segment, IReadOnlyList<string> Facts);

/// <summary>
/// Seals what is left of a segment whose end nobody can prove any more, on someone's explicit decision (11.6): takes the
/// log over, fences whoever answers, keeps the maximum, and lets the log go on at an offset that was never used.
/// </summary>
/// <remarks>Threads: any; epochs order concurrent calls. Errors: WoodpeckerException and MetadataException.</remarks>
public sealed partial class ForcedSeal(
    WriterTransactions transactions, LossTransactions losses, NodeTransactions nodes, EnsembleRecovery recovery,
    TimeProvider time, ILogger<ForcedSeal> logger)
{
    private static readonly TimeSpan _announceLimit = TimeSpan.FromSeconds(2);

    /// <summary>Seals the log's newest segment by force.</summary>
    /// <param name="log">The log.</param>
    /// <param name="segment">The segment, which must be the one in question; null for whichever it is.</param>
    /// <param name="decision">Who accepts what.</param>
    /// <param name="appId">This writer.</param>
    /// <param name="liveCreateRevision">create_revision of this writer's live key.</param>
    /// <param name="cancellationToken">Stops it; a repetition goes on from there.</param>
    /// <exception cref="WoodpeckerException">
    /// Conflict with reason <c>DataLossNotAccepted</c>, <c>LossNotProven</c>, <c>NothingLost</c> or <c>NotBlocked</c>:
    /// nothing was sealed, and the message says why; Fenced: another writer took the log meanwhile.
    /// </exception>
    public async ValueTask<ForcedSealResult> RunAsync(
        LogRecord log, SegmentId? segment, LossDecision decision, string appId, long liveCreateRevision,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(decision);
        if (log.Meta.Value.Mode != LogMode.QuorumBuffer)
            throw Conflict("NotBlocked", "Only segments on replicas can be sealed by force.");
        var (id, newest) = await FindAsync(log.Id, segment, cancellationToken);
        if (newest.Value is { SealedBy: SealOrigin.Forced, Lost: not null })
            return new ForcedSealResult(newest.Value, []);
        var acquired = await transactions.AcquireAsync(
            log.Id, appId, liveCreateRevision, isForced: true, cancellationToken);
        if (acquired.Reign is not { } reign)
            throw WriterErrors.Fenced("another writer was faster");
        var started = await transactions.StartRecoveryAsync(reign, id, newest, cancellationToken);
        var recovering = CheckLanded(started).Segment!;
        var gone = await FindGoneAsync(recovering.Value, cancellationToken);
        var key = new SegmentKey(log.Id, id);
        var (end, left) = await recovery.ForceAsync(
            key, recovering.Value, reign.Epoch,
            found => Consent(key, recovering.Value, found, gone, decision), cancellationToken);
        var lost = LostAfter(recovering.Value, left);
        IReadOnlyList<string> facts = AuditValue.Shorten(left.Members.Select(member => Tell(member, gone)));
        var audit = new AuditValue
        {
            Action = AuditValue.ForceSeal,
            At = 0,
            By = decision.By,
            Why = decision.Why,
            LogId = log.Id,
            Segment = id,
            Lost = lost,
            Facts = facts,
        };
        var result = CheckLanded(
            await losses.ForceSealAsync(reign, id, recovering, end, lost, audit, cancellationToken));
        Log.Declared(logger, key, lost.From, lost.To, decision.By, decision.Why);
        await AnnounceAsync(key, result.Segment!.Value, reign.Epoch, end);
        return new ForcedSealResult(result.Segment.Value, facts);
    }

    private async ValueTask<(SegmentId Id, Versioned<SegmentValue> Segment)> FindAsync(
        LogId log, SegmentId? segment, CancellationToken cancellationToken)
    {
        var listed = await transactions.ListSegmentsAsync(log, cancellationToken);
        if (segment is { } asked && listed.FirstOrDefault(s => s.Id == asked) is { Segment: { } named }
            && named.Value is { SealedBy: SealOrigin.Forced, Lost: not null })
        {
            return (asked, named);
        }

        foreach (var (id, value) in listed)
        {
            if (SegmentLifecycle.IsActive(value.Value.State) && (segment is null || segment == id))
                return (id, value);
        }

        throw Conflict(
            "NotBlocked",
            segment is { } wanted
                ? $"Segment {wanted} is not the unsealed segment of this log; sealed ends never change."
                : "This log has no unsealed segment.");
    }

    // Nodes under whose names another store is registered by now: the old one is gone for good (R1).
    private async ValueTask<HashSet<string>> FindGoneAsync(SegmentValue segment, CancellationToken cancellationToken)
    {
        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (nodeId, node) in await nodes.ListAsync(cancellationToken))
        {
            if (segment.Ensemble.Any(m => m.Node == nodeId && m.Incarnation != node.Value.Incarnation))
                gone.Add(nodeId);
        }

        return gone;
    }

    private static void Consent(
        SegmentKey key, SegmentValue segment, SegmentLeft left, HashSet<string> gone, LossDecision decision)
    {
        var facts = string.Join("; ", left.Members.Select(member => Tell(member, gone)));
        if (left.IsDecidable)
        {
            throw Conflict(
                "NothingLost",
                $"Segment {key} can be recovered without any loss, by the next append or within seconds by itself: {facts}.");
        }

        // Z2: another incarnation in metadata is the proof; silence is none.
        if (decision.NeedsProof && left.Members.Any(m => m.Reply is null && !gone.Contains(m.Member.NodeId)))
            throw Conflict("LossNotProven", $"A member of segment {key} that is silent may still come back: {facts}.");
        if (decision.IsAccepted)
            return;
        var lost = LostAfter(segment, left);
        throw Conflict(
            "DataLossNotAccepted",
            $"Sealing segment {key} by force keeps its offsets up to {lost.From + -1} and gives up whatever was "
            + $"confirmed from offset {lost.From} on; the log goes on at offset {lost.To + 1}. {facts}. "
            + "If members can come back, wait for them. To give the rest up, accept the data loss explicitly.");
    }

    private static LostRange LostAfter(SegmentValue segment, SegmentLeft left)
    {
        var start = segment.BaseOffset!.Value;
        var next = DeclaredLoss.NextBase(start + (left.Highest.Value + 1)) ?? throw new WoodpeckerException(
            ErrorKind.Invalid, "The offsets of this log are used up.")
        { Reason = "OffsetsUsedUp" };
        return new LostRange(start + (left.End.LastEntry.Value + 1), next + -1);
    }

    private static string Tell(in MemberLeft member, HashSet<string> gone) =>
        member.Reply is null && gone.Contains(member.Member.NodeId)
            ? $"{member.Member.NodeId} has another store now, the old one is gone"
            : member.ToString();

    private async ValueTask AnnounceAsync(SegmentKey key, SegmentValue segment, LogEpoch epoch, SegmentEnd end)
    {
        using var limit = new CancellationTokenSource(_announceLimit, time);
        await recovery.AnnounceSealAsync(key, segment, epoch, end, limit.Token);
    }

    private static SegmentTransactionResult CheckLanded(SegmentTransactionResult result) =>
        result.Outcome == ReignOutcome.Landed
            ? result
            : throw WriterErrors.Fenced("the segment or the epoch changed; look again");

    private static WoodpeckerException Conflict(string reason, string message) =>
        new(ErrorKind.Conflict, message) { Reason = reason };

    private static partial class Log
    {
        [LoggerMessage(
            3203, LogLevel.Critical,
            "DATA LOSS declared: offsets {From} to {To} after segment {Segment}, by {By}: {Why}")]
        public static partial void Declared(
            ILogger logger, SegmentKey segment, Offset from, Offset to, string by, string why);
    }
}
