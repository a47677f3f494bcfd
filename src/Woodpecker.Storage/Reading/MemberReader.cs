using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Asks the members of one segment for frames. A member that does not answer soon, or says "not yet", does not decide
/// alone: it may lag for the rest of the segment (W3). Of the members asked at least one is in every ack quorum.
/// </summary>
/// <remarks>Threads: one call at a time. Errors: answers, not exceptions; only cancellation throws.</remarks>
internal sealed class MemberReader(ITailSource tails, LogReaderOptions options, TimeProvider time)
{
    /// <summary>Asks one member first and, if that brings nothing soon, the following one as well.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="log">The log.</param>
    /// <param name="firstMember">Index of the member asked first.</param>
    /// <param name="from">First offset wanted.</param>
    /// <param name="wait">How long to wait for an entry.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    /// <returns>The answer and the index of the member that gave it.</returns>
    public async ValueTask<(SourceRead Read, int Member)> ReadAsync(
        LogId log, ReadSegment segment, int firstMember, Offset from, TimeSpan wait,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = AskAsync(log, segment, firstMember, from, wait, options.MemberPatience, stop.Token);
        try
        {
            if (segment.Members.Count == 1 || await IsDecidedSoonAsync(first, wait, segment, stop.Token))
                return (await first, firstMember);
            var secondMember = (firstMember + 1) % segment.Members.Count;
            var patience = first.IsCompleted ? options.ConfirmPatience : options.MemberPatience;
            var second = AskAsync(log, segment, secondMember, from, wait, patience, stop.Token);
            return await ChooseAsync((first, firstMember), (second, secondMember));
        }
        finally
        {
            // The loser's answer is not wanted; its failure neither.
            await stop.CancelAsync();
        }
    }

    /// <summary>Asks every member how far readers may see; those that do not answer soon have said nothing.</summary>
    public async ValueTask<IReadOnlyList<SourceRead>> CheckAllAsync(
        LogId log, ReadSegment segment, CancellationToken cancellationToken)
    {
        // An offset that no log reaches: the answer is never entries.
        var beyond = new Offset(Limits.MaxOffset);
        var asked = new Task<SourceRead>[segment.Members.Count];
        for (var i = 0; i < asked.Length; i++)
            asked[i] = AskAsync(log, segment, i, beyond, TimeSpan.Zero, options.ConfirmPatience, cancellationToken);
        return await Task.WhenAll(asked);
    }

    private async Task<bool> IsDecidedSoonAsync(
        Task<SourceRead> first, TimeSpan wait, ReadSegment segment, CancellationToken cancellationToken)
    {
        if (!first.IsCompleted)
        {
            using var delayed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(first, Task.Delay(options.HedgeDelay, time, delayed.Token));
            await delayed.CancelAsync();
        }

        if (!first.IsCompleted)
            return false;
        var read = await first;
        return read.Answer != SourceAnswer.NotYet || (wait > TimeSpan.Zero && !segment.IsSealed);
    }

    private static async Task<(SourceRead Read, int Member)> ChooseAsync(
        (Task<SourceRead> Task, int Member) first, (Task<SourceRead> Task, int Member) second)
    {
        var done = await Task.WhenAny(first.Task, second.Task) == first.Task ? first : second;
        var other = done == first ? second : first;
        var read = await done.Task;
        if (read.Answer is SourceAnswer.Entries or SourceAnswer.EndOfSegment)
        {
            Observe(other.Task);
            return (read, done.Member);
        }

        var otherRead = await other.Task;
        if (otherRead.Answer is SourceAnswer.Entries or SourceAnswer.EndOfSegment)
            return (otherRead, other.Member);
        if (read.Answer != SourceAnswer.NotYet && otherRead.Answer == SourceAnswer.NotYet)
            return (otherRead, other.Member);
        return read.LastVisible >= otherRead.LastVisible || read.Answer != otherRead.Answer
            ? (read, done.Member)
            : (otherRead, other.Member);
    }

    private async Task<SourceRead> AskAsync(
        LogId log,
        ReadSegment segment,
        int member,
        Offset from,
        TimeSpan wait,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        var id = segment.Members[member];
        var request = new TailRequest(
            new SegmentKey(log, segment.First), id, segment.EntryAt(from), options.FetchBytes, wait);
        using var deadline = new CancellationTokenSource(wait + patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        TailAnswer answer;
        try
        {
            answer = await tails.ReadAsync(request, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return SourceRead.Failed(SourceAnswer.Unavailable, $"{id.NodeId} did not answer in time");
        }

        return Judge(log, segment, id, from, answer);
    }

    private static SourceRead Judge(LogId log, ReadSegment segment, ReplicaId id, Offset from, in TailAnswer answer)
    {
        switch (answer.Kind)
        {
            case TailAnswerKind.Frames:
                var entries = new List<LogEntry>();
                var problem = FrameDecoder.Decode(log, segment, answer.Frames, from, entries);
                if (problem is null && entries.Count == 0)
                    problem = "frames that end before the entry asked for";
                return problem is null
                    ? SourceRead.Of(entries, answer.LastVisible)
                    : SourceRead.Failed(SourceAnswer.Corrupt, $"{id.NodeId} sent {problem}");
            case TailAnswerKind.NotYet:
                // V3: a member that missed the seal, or entries, has a short copy of a sealed segment.
                return segment.IsSealed
                    ? SourceRead.Failed(SourceAnswer.Short, $"{id.NodeId} has entries up to {answer.LastVisible} only")
                    : SourceRead.NotYet(answer.LastVisible);
            case TailAnswerKind.Sealed:
                return SourceRead.EndOfSegment(answer.LastVisible);
            case TailAnswerKind.Corrupt:
                return SourceRead.Failed(SourceAnswer.Corrupt, answer.Detail);
            default:
                return SourceRead.Failed(SourceAnswer.Unavailable, answer.Detail);
        }
    }

    private static void Observe(Task task) =>
        _ = task.ContinueWith(
            static failed => _ = failed.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
}
