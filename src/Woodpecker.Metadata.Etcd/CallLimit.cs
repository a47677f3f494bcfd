namespace Woodpecker.Metadata.Etcd;

/// <summary>A token that ends with the caller's or after the call's time limit, on the monotonic clock.</summary>
internal sealed class CallLimit : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;

    public CallLimit(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        _timer = new CancellationTokenSource(timeout, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellationToken);
    }

    /// <summary>The token for the call.</summary>
    public CancellationToken Token => _linked.Token;

    /// <summary>Whether the time is up, whatever the caller did.</summary>
    public bool HasExpired => _timer.IsCancellationRequested;

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
