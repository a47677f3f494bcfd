using Woodpecker.Segments;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Outcome of a metadata step of a session; exactly one of the fields tells.</summary>
/// <param name="Reign">What became of the reign.</param>
/// <param name="Opened">The segment that was opened.</param>
/// <param name="Members">The members chosen for the next segment.</param>
/// <param name="NewReign">The reign after a reassertion.</param>
/// <param name="MarkRevision">mod_revision of the slot mark that was written.</param>
/// <param name="Error">Why the step was not done; it may be tried again unless <paramref name="IsUnknown"/>.</param>
/// <param name="IsUnknown">The step may have been done: nothing may depend on it (X7).</param>
internal sealed record TransitionOutcome(
    ReignOutcome Reign = ReignOutcome.Landed,
    Versioned<SegmentValue>? Opened = null,
    IReadOnlyList<ReplicaId>? Members = null,
    Reign? NewReign = null,
    long MarkRevision = 0,
    Exception? Error = null,
    bool IsUnknown = false);

/// <summary>The metadata steps of a session: open the next segment, probe before a roll, roll, seal, give up.</summary>
/// <remarks>Threads: the session runs one step at a time. Errors: come back as values.</remarks>
internal sealed class SegmentTransitions(SessionServices services, LogId log, LogMode mode)
{
    private long _lastTimestamp;

    /// <summary>Timestamp of the log's last entry: no segment is opened before it (section 12).</summary>
    public long LastTimestamp
    {
        get => Volatile.Read(ref _lastTimestamp);
        set => Volatile.Write(ref _lastTimestamp, value);
    }

    /// <summary>OpenNext, with members chosen now.</summary>
    public Task<TransitionOutcome> OpenNextAsync(
        Reign reign, SegmentId id, Offset baseOffset, long preparedRevision, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var members = await services.Place.ChooseMembersAsync(new SegmentKey(log, id), cancellationToken);
            var value = Describe(reign, baseOffset, members);
            var result =
                await services.Transactions.OpenNextAsync(reign, id, value, preparedRevision, cancellationToken);
            return new TransitionOutcome(result.Outcome, result.Segment, members);
        });

    /// <summary>Chooses the next members, then asks whether metadata answers and the reign holds (X8).</summary>
    public Task<TransitionOutcome> ProbeAsync(Reign reign, SegmentId next, CancellationToken cancellationToken) =>
        AskAsync(reign, next, cancellationToken);

    /// <summary>Asks whether metadata answers and the reign holds, before a seal that nobody waits for (X8).</summary>
    public Task<TransitionOutcome> LookAsync(Reign reign, CancellationToken cancellationToken) =>
        AskAsync(reign, null, cancellationToken);

    private Task<TransitionOutcome> AskAsync(Reign reign, SegmentId? next, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(2 * services.Settings.MetadataFreshness, services.Time);
            var members = next is { } id
                ? await services.Place.ChooseMembersAsync(new SegmentKey(log, id), limit.Token) : null;
            var epoch = await services.Transactions.ReadEpochAsync(log, limit.Token);
            return epoch is null || epoch.ModRevision != reign.EpochRev
                ? new TransitionOutcome(ReignOutcome.Fenced) : new TransitionOutcome(Members: members);
        });

    /// <summary>Roll.</summary>
    public Task<TransitionOutcome> RollAsync(
        Reign reign, OpenSegment open, SegmentEnd end, IReadOnlyList<ReplicaId> members,
        CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var next = Describe(reign, open.Key.Value.BaseOffset!.Value + (end.LastEntry.Value + 1), members);
            var result = await services.Transactions.RollAsync(
                reign, open.Id, open.Key, end, next, preparedRevision: 0, cancellationToken);
            return new TransitionOutcome(result.Outcome, result.Segment, members);
        });

    /// <summary>SealOwn.</summary>
    public Task<TransitionOutcome> SealAsync(
        Reign reign, OpenSegment open, SegmentEnd end, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var result = await services.Transactions.SealOwnAsync(reign, open.Id, open.Key, end, cancellationToken);
            return new TransitionOutcome(result.Outcome);
        });

    /// <summary>VerifySlot, after a look at the mark before unless this session wrote it.</summary>
    public Task<TransitionOutcome> VerifyAsync(
        Reign reign, OpenSegment open, SlotMark mark, long? before, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var revision = before
                ?? (await services.Transactions.ReadSlotMarkAsync(log, cancellationToken))?.ModRevision ?? 0;
            var result = await services.Transactions.VerifySlotAsync(
                reign, open.Id, open.Key, mark, revision, cancellationToken);
            return new TransitionOutcome(result.Outcome, MarkRevision: result.Revision);
        });

    /// <summary>Reassert.</summary>
    public Task<TransitionOutcome> ReassertAsync(
        Reign reign, long liveCreateRevision, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var renewed = await services.Transactions.ReassertAsync(reign, liveCreateRevision, cancellationToken);
            return renewed is null ? new TransitionOutcome(ReignOutcome.Fenced)
                : new TransitionOutcome(NewReign: renewed);
        });

    /// <summary>Release.</summary>
    public Task<TransitionOutcome> ReleaseAsync(Reign reign, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            await services.Transactions.ReleaseAsync(reign, cancellationToken);
            return new TransitionOutcome();
        });

    private SegmentValue Describe(Reign reign, Offset baseOffset, IReadOnlyList<ReplicaId> members) => new()
    {
        State = SegmentState.Open,
        Epoch = reign.Epoch,
        Mode = mode,
        BaseOffset = baseOffset,
        Ensemble = [.. members.Select(EnsembleMember.From)],
        SlotNonce = services.Place.NewSlotNonce(),
        OpenedAt = Math.Max(LastTimestamp, services.Time.GetUtcNow().ToUnixTimeMilliseconds() * 1000),
    };

    private static async Task<TransitionOutcome> GuardAsync(Func<ValueTask<TransitionOutcome>> step)
    {
        try
        {
            return await step();
        }
        catch (MetadataException e)
        {
            return new TransitionOutcome(Error: e, IsUnknown: e.Kind == MetadataErrorKind.Unknown);
        }
        catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
        {
            return new TransitionOutcome(Error: e);
        }
    }
}
