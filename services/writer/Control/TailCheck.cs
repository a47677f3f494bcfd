using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer.Control;

/// <summary>
/// The end of a log as of a moment after the question was asked (V7): no append that was answered before can lie behind
/// it. An owner with an open segment asks its members under its epoch: enough of them that did not promise a higher one
/// meet every set a successor would have had to fence. Otherwise one transaction with a put on the epoch and the newest
/// segment establishes it (X1).
/// </summary>
/// <remarks>
/// Threads: any. A MemoryBuffer log is asked by transaction too: a successor must change the epoch key before it can
/// confirm anything, so the absence of a fence slot proves no more.
/// </remarks>
internal sealed class TailCheck(
    WriterNode node, WriterTransactions transactions, TailTransactions tails, LogOwnership ownership, TimeProvider time)
{
    private const int MaxAttempts = 4;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Offset after the last confirmed entry.</summary>
    /// <exception cref="WoodpeckerException">
    /// NotOwner: ask the owner it names; Unavailable: too few members or metadata do not answer.
    /// </exception>
    public async ValueTask<Offset> CheckAsync(LogRecord log, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (attempt > 0)
                await Task.Delay(_pause, time, cancellationToken);
            var session = ownership.FindOpen(log.Id);
            // Read after the question came: an older view could miss a segment that a successor had to fence.
            var epoch = await transactions.ReadEpochAsync(log.Id, cancellationToken);
            if (epoch is null || epoch.Value.Epoch >= LogEpoch.MaxWriter)
                throw new WoodpeckerException(ErrorKind.NotFound, "The log was deleted.") { Reason = "UnknownLog" };
            var segments = await transactions.ListSegmentsAsync(log.Id, cancellationToken);
            var isActive = segments.Any(static s => SegmentLifecycle.IsActive(s.Segment.Value.State));
            var end = isActive
                ? await CheckActiveAsync(log, segments, session, epoch, cancellationToken)
                : await CheckSealedAsync(log.Id, segments, session, epoch, cancellationToken);
            if (end is { } known)
                return known;
        }

        throw new WoodpeckerException(ErrorKind.Unavailable, "The log changes hands; ask again.")
        {
            Reason = "OwnerContended",
            RetryAfter = TimeSpan.FromMilliseconds(200),
        };
    }

    // Null: something changed meanwhile.
    private async ValueTask<Offset?> CheckActiveAsync(
        LogRecord log, IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments, WriterSession? session,
        Versioned<EpochValue> epoch, CancellationToken cancellationToken)
    {
        var (id, segment) = segments.First(static s => SegmentLifecycle.IsActive(s.Segment.Value.State));
        if (session is null || session.Epoch != epoch.Value.Epoch || segment.Value.Epoch != session.Epoch)
        {
            // Nobody can tell but the owner; a log whose owner is gone is taken over first.
            var route = await ownership.ResolveAsync(log, isForwarded: false, null, cancellationToken);
            return route.Owner is { } owner ? throw NotOwner(owner) : null;
        }

        if (segment.Value.Mode == LogMode.MemoryBuffer)
            return await tails.IsUnchangedAsync(log.Id, epoch, segments, cancellationToken) ? session.ConfirmedEnd : null;
        await node.ConfirmReignAsync(new SegmentKey(log.Id, id), segment.Value, session.Epoch, cancellationToken);
        return session.ConfirmedEnd;
    }

    private async ValueTask<Offset?> CheckSealedAsync(
        LogId log, IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments, WriterSession? session,
        Versioned<EpochValue> epoch, CancellationToken cancellationToken)
    {
        if (!await tails.IsUnchangedAsync(log, epoch, segments, cancellationToken))
            return null;
        var end = segments.Count == 0 ? Offset.Zero : segments[^1].Segment.Value.NextBaseOffset ?? Offset.Zero;
        // Appends that the own session confirmed since then may be counted, and readers may know of them already.
        return session is not null && session.Epoch == epoch.Value.Epoch && session.ConfirmedEnd > end
            ? session.ConfirmedEnd : end;
    }

    private static WoodpeckerException NotOwner(string owner) =>
        new(ErrorKind.NotOwner, $"The log is held by {owner}; only its owner can tell the end for certain.")
        {
            Reason = "NotOwner",
            Owner = owner,
        };
}
