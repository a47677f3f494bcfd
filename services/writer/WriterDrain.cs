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
    private long _forwardedAt;

    /// <summary>Cancelled when nothing is owned any more: streams take no further appends.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Hands all logs over; once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_ended.IsCancellationRequested)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), limit, _limit, Timeout.InfiniteTimeSpan);
        var closed = await ownership.StopAsync(limit.Token);
        OnForwarded();
        while (closed > 0 && !limit.IsCancellationRequested && !IsQuiet)
            await Task.Delay(_linger / 4, time, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _ended.CancelAsync();
    }

    /// <summary>
    /// Another writer sent an append: it stops at the first refusal, so what it sent before is still to be refused.
    /// </summary>
    public void OnForwarded() => Volatile.Write(ref _forwardedAt, time.GetTimestamp());

    private bool IsQuiet => time.GetElapsedTime(Volatile.Read(ref _forwardedAt)) >= _linger;

    public void Dispose() => _ended.Dispose();
}
