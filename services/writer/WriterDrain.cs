using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>
/// The planned end of a writer (O6): logs are sealed and released while calls are still answered, each new append
/// going to the writer that comes next; then the streams end and their clients go elsewhere.
/// </summary>
internal sealed class WriterDrain(LogOwnership ownership, TimeProvider time) : IDisposable
{
    // Well within the grace that a process gets to stop.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    // Callers with appends under way hear that another writer is the owner, instead of losing their stream first.
    private static readonly TimeSpan _linger = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _ended = new();

    /// <summary>Cancelled when nothing is owned any more: streams take no further appends.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Hands all logs over.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), limit, _limit, Timeout.InfiniteTimeSpan);
        if (await ownership.StopAsync(limit.Token) > 0)
            await Task.Delay(_linger, time, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _ended.CancelAsync();
    }

    public void Dispose() => _ended.Dispose();
}
