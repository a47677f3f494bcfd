namespace Woodpecker.Client;

/// <summary>An entry or batch that a writer accepted: in its place in the order, not yet durable.</summary>
public readonly struct AppendTicket
{
    private readonly Task<AppendResult> _batch;
    private readonly int _index;
    private readonly int _count;

    /// <summary>The entries <paramref name="index"/> and following of a batch on its way.</summary>
    internal AppendTicket(Task<AppendResult> batch, int index, int count) =>
        (_batch, _index, _count) = (batch, index, count);

    /// <summary>The answer: Ok with the offsets, NotAppended or Indeterminate (W7).</summary>
    /// <param name="cancellationToken">
    /// Stops waiting; the append goes on and its outcome stays unknown to this caller.
    /// </param>
    public async ValueTask<AppendResult> WaitAsync(CancellationToken cancellationToken = default)
    {
        var result = await _batch.WaitAsync(cancellationToken).ConfigureAwait(false);
        return result.Outcome == AppendOutcome.Ok
            ? AppendResult.Ok(result.FirstOffset + _index, _count, result.Durability)
            : result;
    }
}
