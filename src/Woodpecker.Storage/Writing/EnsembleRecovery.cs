using Woodpecker.Quorum;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Recovery of segments that live on replicas: generic over how a member is reached.</summary>
/// <param name="open">Reaches the members of a segment.</param>
/// <param name="quorum">Sizes of the ensembles.</param>
/// <param name="settings">Waits.</param>
/// <param name="time">The clock of the waits.</param>
public sealed class EnsembleRecovery(
    Func<SegmentKey, IReadOnlyList<ReplicaId>, IEnsemble> open, QuorumSpec quorum, TakeoverSettings settings,
    TimeProvider time)
    : ISegmentRecovery
{
    /// <inheritdoc/>
    public async ValueTask<RecoveryResult> RecoverAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        await using var ensemble = open(key, MembersOf(segment));
        var recovery = new SegmentRecovery(ensemble, quorum, epoch, settings, time);
        var found = await recovery.RunAsync(cancellationToken);
        var end = new SegmentEnd(found.End.LastEntry, found.End.Chain);
        var origin = found.End.IsAmbiguous ? SealOrigin.RecoveryAmbiguous : SealOrigin.Recovery;
        if (found.Header.IsEmpty)
        {
            // Nobody ever got the header: the chain is that of an empty segment, whatever a reply said.
            return new RecoveryResult(end with { Chain = InitialChain(key, segment) }, origin, null);
        }

        var header = LogReplay.ReadHeader(found.Header.Span, key);
        var state = SegmentHeaders.Load(header);
        await FoldAsync(ensemble, found.Holder, header, state, end.LastEntry, epoch, cancellationToken);
        return new RecoveryResult(end.LastEntry.IsNone ? end with { Chain = header.InitialChain } : end, origin, state);
    }

    /// <summary>
    /// Finds what is left of a segment that <see cref="RecoverAsync"/> cannot decide, asks whether that may become its
    /// end, and makes it as safe as the members that are left allow (11.6).
    /// </summary>
    /// <param name="key">The segment.</param>
    /// <param name="segment">Its value, Recovering.</param>
    /// <param name="epoch">The acquired epoch.</param>
    /// <param name="consent">Throws unless the loss is accepted.</param>
    /// <param name="cancellationToken">Stops it; nothing is sealed here.</param>
    public async ValueTask<(SegmentEnd End, SegmentLeft Left)> ForceAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, Action<SegmentLeft> consent,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(segment);
        ArgumentNullException.ThrowIfNull(consent);
        await using var ensemble = open(key, MembersOf(segment));
        var recovery = new SegmentRecovery(ensemble, quorum, epoch, settings, time);
        var left = await recovery.LookAsync(settings.FenceTimeout + settings.ForcedGrace, cancellationToken);
        consent(left);
        var found = await recovery.SpreadAsync(left, cancellationToken);
        var end = new SegmentEnd(left.End.LastEntry, left.End.Chain);
        if (found.Header.IsEmpty || end.LastEntry.IsNone)
        {
            var chain = found.Header.IsEmpty
                ? InitialChain(key, segment) : LogReplay.ReadHeader(found.Header.Span, key).InitialChain;
            return (new SegmentEnd(EntryId.None, chain), left);
        }

        // What cannot be read through to its end must not become the end of the segment for ever.
        var header = LogReplay.ReadHeader(found.Header.Span, key);
        await FoldAsync(ensemble, found.Holder, header, SegmentHeaders.Load(header), end.LastEntry, epoch, cancellationToken);
        return (end, left);
    }

    /// <inheritdoc/>
    public async ValueTask AnnounceSealAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, SegmentEnd end, CancellationToken cancellationToken)
    {
        await using var ensemble = open(key, MembersOf(segment));
        await SealMembersAsync(ensemble, epoch, end.LastEntry, end.Chain, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<AppendFold?> LoadStateAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        var last = segment.LastEntry ?? EntryId.None;
        await using var ensemble = open(key, MembersOf(segment));
        Exception? failure = null;
        var answers = 0;
        for (var member = 0; member < ensemble.Members.Count; member++)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(settings.FenceTimeout, time);
                var answer = await ensemble.FenceAsync(member, epoch, limit.Token);
                if (answer.Reply is not { } reply)
                    throw WriterErrors.Fenced($"a member promised epoch {answer.Promised}");
                answers++;
                if (answer.Header.IsEmpty || reply.DurableEntry < last)
                    continue;
                var header = LogReplay.ReadHeader(answer.Header.Span, key);
                var state = SegmentHeaders.Load(header);
                await FoldAsync(ensemble, member, header, state, last, epoch, cancellationToken);
                return state;
            }
            catch (WoodpeckerException e) when (e.Kind is ErrorKind.Unavailable or ErrorKind.Corrupt)
            {
                failure = e;
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                failure = e;
            }
        }

        // Every member answered and none holds a header of an empty segment: it never got one. After a declared loss of
        // everything nobody has to answer: what the segment changed is lost with it (11.6).
        if (last.IsNone && (answers == ensemble.Members.Count || segment.SealedBy == SealOrigin.Forced))
            return null;
        throw WriterErrors.Failed($"No member of segment {key} can be read to its end, entry {last}.", failure);
    }

    /// <summary>Sends the seal to all members at once and waits for none of the failures.</summary>
    public static async ValueTask SealMembersAsync(
        IEnsemble ensemble, LogEpoch epoch, EntryId lastEntry, ulong chain, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        var seals = new Task[ensemble.Members.Count];
        for (var member = 0; member < seals.Length; member++)
            seals[member] = SealAsync(ensemble, member, epoch, lastEntry, chain, cancellationToken);
        await Task.WhenAll(seals);
    }

    /// <summary>Fences members with the epoch of deletion (D4).</summary>
    /// <returns>Whether enough members promised it, so that no writer can confirm anything any more.</returns>
    public static async ValueTask<bool> FenceDeletedAsync(
        IEnsemble ensemble, QuorumSpec quorum, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout, time);
        var fences = new Task<bool>[ensemble.Members.Count];
        for (var member = 0; member < fences.Length; member++)
            fences[member] = IsFencedAsync(ensemble, member, limit.Token);
        var answers = await Task.WhenAll(fences);
        return answers.Count(static isFenced => isFenced) >= quorum.FenceQuorum;
    }

    /// <summary>Asks the members under an epoch that is theirs already, until Qa of them confirm it (V7).</summary>
    /// <exception cref="WoodpeckerException">Fenced: a member promised a higher one; Unavailable: too few answer.</exception>
    public static async ValueTask ConfirmReignAsync(
        IEnsemble ensemble, LogEpoch epoch, QuorumSpec quorum, TimeSpan timeout, TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout, time);
        var questions = new List<Task<bool>>();
        for (var member = 0; member < ensemble.Members.Count; member++)
            questions.Add(IsConfirmedAsync(ensemble, member, epoch, limit.Token));
        var confirmed = 0;
        try
        {
            while (questions.Count > 0 && confirmed < quorum.AckQuorum)
            {
                var answered = await Task.WhenAny(questions);
                questions.Remove(answered);
                confirmed += await answered ? 1 : 0;
            }
        }
        finally
        {
            // Those that are still silent are not waited for; their outcome decides nothing any more.
            await limit.CancelAsync();
            await ((Task)Task.WhenAll(questions)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (confirmed < quorum.AckQuorum)
        {
            throw WriterErrors.QuorumUnavailable(
                $"{confirmed} of {ensemble.Members.Count} members confirm epoch {epoch}");
        }
    }

    private static async Task<bool> IsConfirmedAsync(
        IEnsemble ensemble, int member, LogEpoch epoch, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await ensemble.FenceAsync(member, epoch, cancellationToken);
            // Another generation may have lost a promise (R10): it confirms nothing.
            return answer.Reply is { } reply
                ? reply.Health == Recovery.MemberHealth.Clean
                : throw WriterErrors.Fenced($"a member promised epoch {answer.Promised}");
        }
        catch (Exception e) when (e is OperationCanceledException or WoodpeckerException { Kind: not ErrorKind.Fenced })
        {
            return false;
        }
    }

    private static async Task<bool> IsFencedAsync(IEnsemble ensemble, int member, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await ensemble.FenceAsync(member, LogEpoch.Delete, cancellationToken);
            // Only a Clean store keeps what it promised for sure (R10, 11.3).
            return answer.Reply is { Health: Recovery.MemberHealth.Clean };
        }
        catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task SealAsync(
        IEnsemble ensemble, int member, LogEpoch epoch, EntryId lastEntry, ulong chain,
        CancellationToken cancellationToken)
    {
        try
        {
            await ensemble.SealAsync(member, epoch, lastEntry, chain, cancellationToken);
        }
        catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
        {
            // The member finds the seal in metadata, at its next boot or reconcile (R7).
        }
    }

    private static async ValueTask FoldAsync(
        IEnsemble ensemble,
        int member,
        Format.Objects.SegmentHeader header,
        AppendFold state,
        EntryId last,
        LogEpoch epoch,
        CancellationToken cancellationToken)
    {
        if (last.IsNone)
            return;
        var frames = ensemble.ReadFramesAsync(member, epoch, EntryId.None + 1, last, cancellationToken);
        var folded = await LogReplay.FoldFramesAsync(state, header, frames, last);
        if (folded < last)
            throw WriterErrors.Failed(
                $"A member of segment {header.SegmentKey} ended its answer after entry {folded}.");
    }

    private static ReplicaId[] MembersOf(SegmentValue segment) =>
        [.. segment.Ensemble.Select(static m => m.ToReplicaId())];

    private static ulong InitialChain(SegmentKey key, SegmentValue segment) =>
        Format.ChainHash.Start(key.Log, key.Segment, segment.Epoch, segment.BaseOffset!.Value);
}
