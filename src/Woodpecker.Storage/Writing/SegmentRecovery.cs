using System.Runtime.CompilerServices;
using Woodpecker.Format.Entries;
using Woodpecker.Quorum;
using Woodpecker.Recovery;

namespace Woodpecker.Storage.Writing;

/// <summary>What a recovery found and made safe.</summary>
/// <param name="End">The end of the segment.</param>
/// <param name="Header">The segment's header; empty if no member holds one.</param>
/// <param name="Holder">Index of a member that holds everything; -1 if there is nothing to hold.</param>
public sealed record RecoveredSegment(RecoveryEnd End, ReadOnlyMemory<byte> Header, int Holder);

/// <summary>
/// Fences a segment's members, decides its end and copies what is missing, until it is safe to seal (T3 to T6). The
/// decisions are those of <see cref="RecoveryCore"/>.
/// </summary>
/// <remarks>Threads: one call at a time per instance. Cancellation stops it; nothing is sealed here.</remarks>
public sealed partial class SegmentRecovery
{
    private readonly IEnsemble _ensemble;
    private readonly RecoveryCore _core;
    private readonly LogEpoch _epoch;
    private readonly TakeoverSettings _settings;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly ReadOnlyMemory<byte>[] _headers;
    private readonly string[] _failures;
    private LogEpoch _higherPromise;
    private string _copyFailure = "";

    /// <summary>Prepares a recovery under an acquired epoch.</summary>
    public SegmentRecovery(
        IEnsemble ensemble, QuorumSpec quorum, LogEpoch epoch, TakeoverSettings settings, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        _ensemble = ensemble;
        _epoch = epoch;
        _settings = settings;
        _time = time;
        _core = new RecoveryCore(quorum, [.. ensemble.Members]);
        _headers = new ReadOnlyMemory<byte>[ensemble.Members.Count];
        _failures = new string[ensemble.Members.Count];
        Array.Fill(_failures, "no answer yet");
    }

    /// <summary>Runs until the segment is safe to seal.</summary>
    /// <exception cref="WoodpeckerException">
    /// Unavailable (RecoveryBlocked): too few members answered before the deadline; Corrupt (Inconsistent): their
    /// answers
    /// contradict each other; Fenced: a higher epoch is at work.
    /// </exception>
    public async ValueTask<RecoveredSegment> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_settings.Deadline, _time);
        try
        {
            while (true)
            {
                var end = await FenceUntilDecidedAsync(limit.Token);
                if (!_core.TryPlanCopies(end, out var copies))
                {
                    await PauseAsync(limit.Token);
                    continue;
                }

                if (await CopyAllAsync(end, copies, limit.Token))
                    return Conclude(end);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Blocked();
        }
    }

    private async ValueTask<RecoveryEnd> FenceUntilDecidedAsync(CancellationToken cancellationToken)
    {
        using var decided = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changed = new AsyncSignal();
        var fences = new Task[_ensemble.Members.Count];
        for (var member = 0; member < fences.Length; member++)
            fences[member] = FenceUntilRepliedAsync(member, changed, decided.Token);
        using var wake = cancellationToken.UnsafeRegister(static s => ((AsyncSignal)s!).Raise(), changed);
        await using var grace = _time.CreateTimer(
            static s => ((AsyncSignal)s!).Raise(), changed, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        long? graceSince = null;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var isGraceOver = graceSince is { } since && _time.GetElapsedTime(since) >= _settings.Grace;
                var step = Decide(isGraceOver, out var end);
                if (step == RecoveryStep.Decided)
                    return end;
                if (step == RecoveryStep.Inconsistent)
                    throw Inconsistent();
                if (step == RecoveryStep.WaitGrace && graceSince is null)
                {
                    graceSince = _time.GetTimestamp();
                    // Again and again: a timer may fire a little before its time by the other clock.
                    grace.Change(_settings.Grace, _settings.RetryPause);
                }

                await changed.WaitAsync();
            }
        }
        finally
        {
            await decided.CancelAsync();
            await Task.WhenAll(fences);
        }
    }

    private RecoveryStep Decide(bool isGraceOver, out RecoveryEnd end)
    {
        lock (_gate)
        {
            if (_higherPromise > _epoch)
                throw WriterErrors.Fenced($"a member promised epoch {_higherPromise}");
            return _core.Decide(isGraceOver, out end);
        }
    }

    // Timeout, another store and refusal to serve are unknown: asked again until the recovery decides or gives up (T3).
    private async Task FenceUntilRepliedAsync(int member, AsyncSignal changed, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_core.ReplyOf(member) is not null)
                return;
        }

        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(_settings.FenceTimeout, _time);
                var answer = await _ensemble.FenceAsync(member, _epoch, limit.Token);
                if (TakeAnswer(member, answer))
                {
                    changed.Raise();
                    return;
                }
            }
            catch (WoodpeckerException e)
            {
                SetFailure(member, e.Message);
                TakeSilence(member, changed);
            }
            catch (OperationCanceledException)
            {
                SetFailure(member, "no answer in time");
                TakeSilence(member, changed);
            }

            try
            {
                await PauseAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private bool TakeAnswer(int member, MemberFence answer)
    {
        lock (_gate)
        {
            if (answer.Reply is not { } reply)
            {
                _higherPromise = answer.Promised > _higherPromise ? answer.Promised : _higherPromise;
                return true;
            }

            if (!_core.OnReply(member, reply))
            {
                _failures[member] = $"another store answers: {reply.Replica}";
                return false;
            }

            _headers[member] = answer.Header;
            _failures[member] = reply.Health.ToString();
            return true;
        }
    }

    private async ValueTask<bool> CopyAllAsync(
        RecoveryEnd end, IReadOnlyList<RecoveryCopy> copies, CancellationToken cancellationToken)
    {
        foreach (var copy in copies)
        {
            try
            {
                await CopyAsync(end, copy, cancellationToken);
            }
            catch (WoodpeckerException e) when (e.Kind is ErrorKind.Unavailable or ErrorKind.Corrupt)
            {
                // Source or target may be gone: ask both again, the end may now be another one (T6).
                lock (_gate)
                {
                    _core.Forget(copy.Target);
                    _core.Forget(copy.Source);
                }

                _copyFailure = $"; copying to {_ensemble.Members[copy.Target].NodeId} failed: {e.Message}";
                await PauseAsync(cancellationToken);
                return false;
            }
        }

        return true;
    }

    private async ValueTask CopyAsync(RecoveryEnd end, RecoveryCopy copy, CancellationToken cancellationToken)
    {
        var frames = ReadVerifiedAsync(copy, cancellationToken);
        var durable = await _ensemble.CopyToAsync(copy.Target, _epoch, FindHeader(), frames, cancellationToken);
        if (durable < end.LastEntry)
            throw WriterErrors.Failed($"{_ensemble.Members[copy.Target].NodeId} holds only {durable} after the copy.");
        TakeCopied(copy.Target, end);
    }

    private void TakeCopied(int member, in RecoveryEnd end)
    {
        lock (_gate)
        {
            if (_core.ReplyOf(member) is { } reply)
                _core.OnReply(member, reply with { DurableEntry = end.LastEntry, Chain = end.Chain, HasHeader = true });
        }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadVerifiedAsync(
        RecoveryCopy copy, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (copy.LastEntry < copy.FirstEntry)
            yield break;
        var next = copy.FirstEntry;
        await foreach (var frame in _ensemble.ReadFramesAsync(
            copy.Source, _epoch, copy.FirstEntry, copy.LastEntry, cancellationToken))
        {
            var status = FrameReader.Verify(frame.Span, out var header);
            if (!status.IsOk || header.SegmentKey != _ensemble.Segment || header.FirstEntry > next)
                throw new WoodpeckerException(
                    ErrorKind.Corrupt, $"A member sent a wrong frame for entry {next}: {status}.");
            next = header.LastEntry + 1;
            yield return frame;
        }

        if (next <= copy.LastEntry)
            throw new WoodpeckerException(
                ErrorKind.Unavailable, $"A member ended its answer before entry {copy.LastEntry}.");
    }

    private RecoveredSegment Conclude(in RecoveryEnd end)
    {
        var holder = -1;
        for (var member = 0; member < _ensemble.Members.Count; member++)
        {
            if (_core.ReplyOf(member) is { } reply && reply.HasHeader && reply.DurableEntry >= end.LastEntry
                && (holder < 0 || reply.Health == MemberHealth.Clean))
            {
                holder = member;
            }
        }

        return new RecoveredSegment(end, FindHeader(), holder);
    }

    private ReadOnlyMemory<byte> FindHeader()
    {
        lock (_gate)
        {
            foreach (var header in _headers)
            {
                if (!header.IsEmpty)
                    return header;
            }

            return default;
        }
    }

    private void TakeSilence(int member, AsyncSignal changed)
    {
        if (!Mutation.Is(KnownMistake.SilenceIsEmpty))
            return;
        lock (_gate)
        {
            _core.OnReply(member, new FenceReply(
                _ensemble.Members[member], EntryId.None, 0, EntryId.None, HasHeader: false, MemberHealth.Clean));
        }

        changed.Raise();
    }

    private void SetFailure(int member, string failure)
    {
        lock (_gate)
            _failures[member] = failure;
    }

    private Task PauseAsync(CancellationToken cancellationToken) =>
        Task.Delay(_settings.RetryPause, _time, cancellationToken);

    private WoodpeckerException Blocked()
    {
        lock (_gate)
        {
            var members = _ensemble.Members.Select((member, i) => $"{member.NodeId}: {_failures[i]}");
            return new WoodpeckerException(
                ErrorKind.Unavailable,
                $"Segment {_ensemble.Segment} cannot be recovered yet; {_core.ReplyCount} of "
                + $"{_ensemble.Members.Count} members answered ({string.Join("; ", members)}){_copyFailure}.")
            {
                Reason = "RecoveryBlocked",
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }
    }

    private WoodpeckerException Inconsistent() => new(
        ErrorKind.Corrupt, $"The members of segment {_ensemble.Segment} contradict each other about its end.")
    {
        Reason = "RecoveryBlocked",
    };
}
