using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>
/// One caller's way in: a gRPC stream or a single request. Batches of one log go the same way one after another, so the
/// order of submission is the order of assignment (P6, O3).
/// </summary>
/// <remarks>Threads: one submission at a time; answers may be awaited elsewhere.</remarks>
internal sealed class AppendCaller(AppendGateway gateway, bool isForwarded) : IAsyncDisposable
{
    private const int MaxAttempts = 3;

    private readonly Dictionary<string, ForwardStream> _forwards = new(StringComparer.Ordinal);

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
        foreach (var forward in _forwards.Values)
            await forward.DisposeAsync();
    }

    private async ValueTask<ValueTask<AppendResult>> SubmitSlowAsync(
        string log, AppendBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                var (route, record) = await gateway.RouteAsync(log, isForwarded, cancellationToken);
                if (route.Session is { } session)
                {
                    if (session.TryAppend(batch, cancellationToken, out var answer))
                        return answer;
                    continue;
                }

                return isForwarded
                    ? Answer(NotOwner(log, route.Owner))
                    : await ForwardAsync(log, record, route.Owner!, batch, cancellationToken);
            }

            return Answer(new WoodpeckerException(ErrorKind.Unavailable, $"The owner of log '{log}' changes too fast.")
            {
                Reason = "OwnerContended",
                RetryAfter = TimeSpan.FromMilliseconds(200),
            });
        }
        catch (WoodpeckerException e)
        {
            return Answer(e);
        }
    }

    // One stream per caller and log keeps the caller's order; a broken one is replaced, its answers are indeterminate
    // (O3).
    private async ValueTask<ValueTask<AppendResult>> ForwardAsync(
        string log, LogRecord record, string owner, AppendBatch batch, CancellationToken cancellationToken)
    {
        if (_forwards.TryGetValue(log, out var forward) && (forward.Owner != owner || forward.IsBroken))
        {
            if (forward.IsUnreachable)
                gateway.Suspect(record, forward.Owner);
            _forwards.Remove(log);
            await forward.DisposeAsync();
            forward = null;
        }

        if (forward is null)
        {
            forward = gateway.OpenForward(owner);
            _forwards.Add(log, forward);
        }

        return await forward.SubmitAsync(
            log, batch, unreachable: () => gateway.Suspect(record, owner), cancellationToken);
    }

    private static ValueTask<AppendResult> Answer(WoodpeckerException error) => new(AppendResult.NotAppended(error));

    private static WoodpeckerException NotOwner(string log, string? owner) =>
        new(ErrorKind.NotOwner, $"This writer does not own log '{log}'.") { Owner = owner, RetryAfter = TimeSpan.Zero };
}
