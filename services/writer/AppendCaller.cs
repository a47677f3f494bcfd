using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>
/// One caller's way in: a gRPC stream or a single request. Batches of one log go the same way one after another, so the
/// order of submission is the order of assignment (P6, O3). What an owner refused goes another way once, before
/// anything newer (O2).
/// </summary>
/// <remarks>Threads: one submission at a time; answers may be awaited elsewhere.</remarks>
internal sealed class AppendCaller(AppendGateway gateway, bool isForwarded, TimeProvider time) : IAsyncDisposable
{
    private const int MaxAttempts = 3;

    // O7: the owner is looked up again after so long; a wrong memory costs one refused hop.
    private static readonly TimeSpan _ownerMemory = TimeSpan.FromSeconds(1);

    // While the metadata store is away the known owner is believed longer, so that not every append waits for a look-up.
    private static readonly TimeSpan _memoryInOutage = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<string, ForwardStream> _forwards = new(StringComparer.Ordinal);
    private readonly List<ForwardStream> _ended = [];
    private long _failedLookup;

    /// <summary>Hands a batch over; completes when its place in the order is fixed.</summary>
    /// <returns>The answer to come, awaited once.</returns>
    public ValueTask<ValueTask<AppendResult>> SubmitAsync(
        string log, AppendBatch batch, CancellationToken cancellationToken)
    {
        // The usual case: the log is open here, nothing waits.
        if (_forwards.Count == 0 && gateway.FindSession(log) is { } session
            && session.TryAppend(batch, cancellationToken, out var answer))
            return new ValueTask<ValueTask<AppendResult>>(answer);
        return SubmitSlowAsync(log, batch, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        List<ForwardStream> streams;
        await _gate.WaitAsync();
        try
        {
            streams = [.. _forwards.Values, .. _ended];
        }
        finally
        {
            _gate.Release();
        }

        // A stream's end may come back here for another way, so it is not waited for under the gate.
        foreach (var stream in streams)
            await stream.DisposeAsync();
        _gate.Dispose();
    }

    private async ValueTask<ValueTask<AppendResult>> SubmitSlowAsync(
        string log, AppendBatch batch, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_forwards.TryGetValue(log, out var forward))
            {
                if (!forward.IsOver && IsBelieved(forward))
                    return await forward.SubmitAsync(new ForwardedBatch(batch, isSecondWay: false), cancellationToken);
                if (forward.IsOver)
                    await LeaveAsync(log, forward);
            }

            return await RouteAsync(log, batch, refusedBy: null, cancellationToken);
        }
        catch (WoodpeckerException e) when (IsOutage(e) && _forwards.TryGetValue(log, out var known) && !known.IsOver)
        {
            // Section 13: the owner goes on with its open segment; the way there is known.
            _failedLookup = time.GetTimestamp();
            return await SubmitAsync(known, batch, cancellationToken);
        }
        catch (WoodpeckerException e)
        {
            return Answer(e);
        }
        finally
        {
            _gate.Release();
        }
    }

    private static async ValueTask<ValueTask<AppendResult>> SubmitAsync(
        ForwardStream forward, AppendBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            return await forward.SubmitAsync(new ForwardedBatch(batch, isSecondWay: false), cancellationToken);
        }
        catch (WoodpeckerException e)
        {
            return Answer(e);
        }
    }

    private bool IsBelieved(ForwardStream forward) => time.GetElapsedTime(forward.OpenedAt) < _ownerMemory
        || (_failedLookup != 0 && time.GetElapsedTime(_failedLookup) < _memoryInOutage);

    // Told by the look-up, which comes before anything is sent: the batch went nowhere yet.
    private static bool IsOutage(WoodpeckerException error) =>
        error.Kind == ErrorKind.Unavailable && error.Reason.StartsWith("Metadata", StringComparison.Ordinal);

    // Under the gate.
    private async ValueTask<ValueTask<AppendResult>> RouteAsync(
        string log, AppendBatch batch, string? refusedBy, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var (route, record) = await gateway.RouteAsync(log, isForwarded, refusedBy, cancellationToken);
            if (route.Session is { } session)
            {
                // What was forwarded before is answered first: the order of one caller is kept over a change of owner.
                if (_forwards.TryGetValue(log, out var old))
                    await DrainAsync(log, old);
                if (session.TryAppend(batch, cancellationToken, out var answer))
                    return answer;
                continue;
            }

            if (isForwarded)
                return Answer(NotOwner(log, route.Owner));
            var forward = await OpenForwardAsync(log, record, route.Owner!);
            return await forward.SubmitAsync(new ForwardedBatch(batch, refusedBy is not null), cancellationToken);
        }

        return Answer(new WoodpeckerException(ErrorKind.Unavailable, $"The owner of log '{log}' changes too fast.")
        {
            Reason = "OwnerContended",
            RetryAfter = TimeSpan.FromMilliseconds(200),
        });
    }

    private async ValueTask<ForwardStream> OpenForwardAsync(string log, LogRecord record, string owner)
    {
        if (_forwards.TryGetValue(log, out var forward))
        {
            if (forward.Owner == owner && !forward.IsOver)
            {
                forward.Renew();
                return forward;
            }

            await DrainAsync(log, forward);
            // What had to be led elsewhere may have opened the way already.
            if (_forwards.TryGetValue(log, out var other) && other.Owner == owner && !other.IsOver)
                return other;
        }

        forward = gateway.OpenForward(
            owner, log, record.Id,
            refused: stream => LeadElsewhereAsync(log, stream),
            unreachable: suspect => gateway.Suspect(record, suspect));
        _forwards[log] = forward;
        return forward;
    }

    // Ends a stream whose owner is no longer the owner: what is on its way is answered, then the rest goes elsewhere.
    private async ValueTask DrainAsync(string log, ForwardStream forward)
    {
        forward.Complete();
        await LeaveAsync(log, forward);
    }

    private async ValueTask LeaveAsync(string log, ForwardStream forward)
    {
        await forward.Settled;
        if (_forwards.GetValueOrDefault(log) == forward)
            _forwards.Remove(log);
        if (!_ended.Contains(forward))
            _ended.Add(forward);
        await ResubmitAsync(log, forward);
        for (var i = _ended.Count - 1; i >= 0; i--)
        {
            if (!_ended[i].HasEnded)
                continue;
            await _ended[i].DisposeAsync();
            _ended.RemoveAt(i);
        }
    }

    // Called by a stream that ended, also if the caller submits nothing more.
    private async Task LeadElsewhereAsync(string log, ForwardStream forward)
    {
        await _gate.WaitAsync();
        try
        {
            await LeaveAsync(log, forward);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask ResubmitAsync(string log, ForwardStream forward)
    {
        foreach (var refused in forward.TakeRefused())
        {
            ValueTask<AppendResult> answer;
            try
            {
                answer = await RouteAsync(log, refused.Batch, forward.Owner, CancellationToken.None);
            }
            catch (WoodpeckerException e)
            {
                answer = Answer(e);
            }

            _ = refused.AnswerByAsync(answer);
        }
    }

    private static ValueTask<AppendResult> Answer(WoodpeckerException error) => new(AppendResult.NotAppended(error));

    private static WoodpeckerException NotOwner(string log, string? owner) =>
        new(ErrorKind.NotOwner, $"This writer does not own log '{log}'.") { Owner = owner, RetryAfter = TimeSpan.Zero };
}
