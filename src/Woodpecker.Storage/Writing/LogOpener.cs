using Microsoft.Extensions.Logging;
using Woodpecker.Segments;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>How the opening of a log ended.</summary>
public enum OpenOutcome
{
    /// <summary>The reign is ours and its session runs.</summary>
    Opened,

    /// <summary>Another live writer holds the log.</summary>
    Held,

    /// <summary>Another writer was faster; look again.</summary>
    Lost,

    /// <summary>The log is deleted.</summary>
    Gone,
}

/// <summary>Answer of <see cref="LogOpener.OpenAsync"/>.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Session">The session, if opened.</param>
/// <param name="Holder">The holder's app id, if held.</param>
public sealed record OpenResult(OpenOutcome Outcome, WriterSession? Session, string? Holder);

/// <summary>
/// Begins a reign over a log: raises the epoch, recovers the newest segment if it was not sealed, restores producers
/// and
/// token, starts the session. The takeover of the protocol, T1 to T8, for every mode.
/// </summary>
/// <remarks>
/// Threads: one opening per log at a time. Errors: <see cref="WoodpeckerException"/> and MetadataException.
/// </remarks>
public sealed partial class LogOpener(SessionServices services, ISegmentRecovery recovery, ObjectReplay objects)
{
    private static readonly TimeSpan _announceLimit = TimeSpan.FromSeconds(5);

    /// <summary>Takes the log over.</summary>
    /// <param name="log">The log.</param>
    /// <param name="appId">This writer.</param>
    /// <param name="liveCreateRevision">create_revision of this writer's live key.</param>
    /// <param name="isForced">Whether to take it from a holder that looks alive (O5); always safe.</param>
    /// <param name="cancellationToken">Stops the takeover; the next one goes on from there.</param>
    public async ValueTask<OpenResult> OpenAsync(
        LogRecord log, string appId, long liveCreateRevision, bool isForced, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        var acquired =
            await services.Transactions.AcquireAsync(log.Id, appId, liveCreateRevision, isForced, cancellationToken);
        switch (acquired.Outcome)
        {
            case AcquireOutcome.Held:
                return new OpenResult(OpenOutcome.Held, null, acquired.Holder);
            case AcquireOutcome.Lost:
                return new OpenResult(OpenOutcome.Lost, null, null);
            case AcquireOutcome.Gone:
                return new OpenResult(OpenOutcome.Gone, null, null);
        }

        var reign = acquired.Reign!;
        Log.Acquired(services.Logger, log.Id, reign.Epoch);
        var start = await TakeOverAsync(reign, log.Meta.Value, cancellationToken);
        if (start is not null)
            WriterMetrics.OnTakeover(hasRecovered: start.Opened is not null);
        return start is null
            ? new OpenResult(OpenOutcome.Lost, null, null)
            : new OpenResult(OpenOutcome.Opened, WriterSession.Start(services, start), null);
    }

    // T2. A stale read of the newest segment only makes the next transaction fail.
    private async ValueTask<SessionStart?> TakeOverAsync(Reign reign, LogValue log, CancellationToken cancellationToken)
    {
        var listed = await services.Transactions.ListSegmentsAsync(reign.Log, cancellationToken);
        var prepared = listed.Count > 0 && listed[^1].Segment.Value.State == SegmentState.Prepared
            ? listed[^1].Segment.ModRevision : 0;
        var segments = prepared == 0 ? listed : [.. listed.Take(listed.Count - 1)];
        if (segments.Count == 0)
            return new SessionStart(reign, log, new SegmentId(0), prepared, Offset.Zero, new AppendFold(), null);
        var (id, newest) = segments[^1];
        if (SegmentLifecycle.HasFixedEnd(newest.Value.State))
        {
            var state = Mutation.Is(KnownMistake.ProducersForgotten) ? new AppendFold()
                : await LoadStateAsync(reign, segments, segments.Count - 1, cancellationToken);
            var next = Mutation.Is(KnownMistake.IdFromScan) ? new SegmentId((ulong)segments.Count)
                : (newest.Value.LastSegment ?? id).Next;
            return new SessionStart(reign, log, next, prepared, newest.Value.NextBaseOffset!.Value, state, null);
        }

        return await RecoverAsync(reign, log, segments, prepared, cancellationToken);
    }

    private async ValueTask<SessionStart?> RecoverAsync(
        Reign reign,
        LogValue log,
        IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments,
        long prepared,
        CancellationToken cancellationToken)
    {
        var (id, newest) = segments[^1];
        var key = new SegmentKey(reign.Log, id);
        var started = await services.Transactions.StartRecoveryAsync(reign, id, newest, cancellationToken);
        if (started.Outcome != ReignOutcome.Landed)
            return null;
        var recovering = started.Segment!;
        var found = await recovery.RecoverAsync(key, recovering.Value, reign.Epoch, cancellationToken);
        var nextOffset = recovering.Value.BaseOffset!.Value + (found.End.LastEntry.Value + 1);
        var state = found.State ?? await LoadStateAsync(reign, segments, segments.Count - 2, cancellationToken);
        if (Mutation.Is(KnownMistake.ProducersForgotten))
            state = new AppendFold();
        var sealing = await SealAsync(
            reign, log, id, recovering, found, nextOffset, state.LastTimestamp, prepared, cancellationToken);
        if (sealing.Outcome != ReignOutcome.Landed)
            return null;
        Log.Recovered(services.Logger, key, found.End.LastEntry, found.Origin);
        // Members that are slow to hear of it must not delay the first append; the session waits at its own end.
        var announcing = AnnounceAsync(key, recovering.Value, reign.Epoch, found.End);
        // SealRecOpen answers with the opened segment, SealRec with the sealed one.
        var opened = sealing.Segment!.Value.State == SegmentState.Open ? sealing.Segment : null;
        return new SessionStart(reign, log, id.Next, opened is null ? 0 : prepared, nextOffset, state, opened)
        {
            Announcing = announcing,
        };
    }

    // T7. Without members for a next segment the old one is sealed alone; the next append tries again.
    private async ValueTask<SegmentTransactionResult> SealAsync(
        Reign reign,
        LogValue log,
        SegmentId id,
        Versioned<SegmentValue> recovering,
        RecoveryResult found,
        Offset nextOffset,
        long lastTimestamp,
        long prepared,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<ReplicaId> members;
        try
        {
            members = await services.Place.ChooseMembersAsync(new SegmentKey(reign.Log, id.Next), cancellationToken);
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable)
        {
            return await services.Transactions.SealRecoveredAsync(
                reign, id, recovering, found.End, found.Origin, cancellationToken);
        }

        var next = new SegmentValue
        {
            State = SegmentState.Open,
            Epoch = reign.Epoch,
            Mode = log.Mode,
            BaseOffset = nextOffset,
            Ensemble = [.. members.Select(EnsembleMember.From)],
            SlotNonce = services.Place.NewSlotNonce(),
            OpenedAt = Math.Max(lastTimestamp, services.Time.GetUtcNow().ToUnixTimeMilliseconds() * 1000),
        };
        return await services.Transactions.SealRecoveredAndOpenAsync(
            reign, id, recovering, found.End, found.Origin, next, prepared, cancellationToken);
    }

    private async Task AnnounceAsync(SegmentKey key, SegmentValue segment, LogEpoch epoch, SegmentEnd end)
    {
        using var limit = new CancellationTokenSource(_announceLimit, services.Time);
        await recovery.AnnounceSealAsync(key, segment, epoch, end, limit.Token);
    }

    // T8. The newest segment with a header tells; segments without one were empty and changed nothing.
    private async ValueTask<AppendFold> LoadStateAsync(
        Reign reign,
        IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments,
        int index,
        CancellationToken cancellationToken)
    {
        for (; index >= 0; index--)
        {
            var (id, segment) = segments[index];
            if (segment.Value.State is SegmentState.Truncated or SegmentState.Deleting)
                break;
            var key = new SegmentKey(reign.Log, id);
            try
            {
                if (await LoadStateAsync(key, segment.Value, reign, cancellationToken) is { } state)
                    return state;
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable && IsRepeatedBefore(segments, index))
            {
                // A member of an empty segment does not answer, perhaps for ever.
                Log.StateElsewhere(services.Logger, key, e.Message);
            }
        }

        return new AppendFold();
    }

    // The header of an empty segment, if it ever got one, says what the segment before ends with (P2): while that one can
    // tell, nothing depends on whether somebody who does not answer holds a header.
    private static bool IsRepeatedBefore(IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> segments, int index) =>
        segments[index].Segment.Value.LastEntry is { IsNone: true }
        && (index == 0
            ? segments[0].Id.Value == 0
            : segments[index - 1].Segment.Value.State is not (SegmentState.Truncated or SegmentState.Deleting));

    private async ValueTask<AppendFold?> LoadStateAsync(
        SegmentKey key, SegmentValue segment, Reign reign, CancellationToken cancellationToken)
    {
        if (segment.State == SegmentState.Compacted)
            return await objects.LoadStateAsync(key, segment, cancellationToken);
        try
        {
            return await recovery.LoadStateAsync(key, segment, reign.Epoch, cancellationToken);
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable)
        {
            // Published meanwhile: then members may have let their copies go (U7).
            foreach (var (id, now) in await services.Transactions.ListSegmentsAsync(reign.Log, cancellationToken))
            {
                if (id == key.Segment && now.Value.State == SegmentState.Compacted)
                    return await objects.LoadStateAsync(key, now.Value, cancellationToken);
            }

            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3201, LogLevel.Information, "Log {LogId} is held under epoch {Epoch}")]
        public static partial void Acquired(ILogger logger, LogId logId, LogEpoch epoch);

        [LoggerMessage(
            3204, LogLevel.Information, "The empty segment {Segment} cannot tell its state, the one before is asked: {Reason}")]
        public static partial void StateElsewhere(ILogger logger, SegmentKey segment, string reason);

        [LoggerMessage(
            3202, LogLevel.Information, "Segment {Segment} was recovered up to entry {LastEntry} ({Origin})")]
        public static partial void Recovered(ILogger logger, SegmentKey segment, EntryId lastEntry, SealOrigin origin);
    }
}
