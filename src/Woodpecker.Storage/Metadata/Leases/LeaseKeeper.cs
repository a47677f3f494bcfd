namespace Woodpecker.Storage.Metadata.Leases;

/// <summary>
/// Keeps one lease alive on its own loop, never on a data path (X10). What hangs on the lease is told when it is lost;
/// expiry is a hint, and only a JobToken compare is a fence (X9).
/// </summary>
/// <remarks>
/// Threads:  any. Ownership: dispose stops the loop and revokes the lease, which deletes its keys.
/// </remarks>
public sealed class LeaseKeeper : IAsyncDisposable
{
    private static readonly TimeSpan _revokeLimit = TimeSpan.FromSeconds(2);

    private readonly ILeaseStore _leases;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeToLive;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _lost = new();
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    private LeaseKeeper(ILeaseStore leases, TimeProvider time, TimeSpan timeToLive, long leaseId) =>
        (_leases, _time, _timeToLive, LeaseId) = (leases, time, timeToLive, leaseId);

    /// <summary>The lease.</summary>
    public long LeaseId { get; }

    /// <summary>Cancelled once the lease is known to be gone, or could not be renewed for its whole time to live.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Grants a lease and starts to keep it.</summary>
    public static async ValueTask<LeaseKeeper> StartAsync(
        ILeaseStore leases, TimeProvider time, TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        var id = await leases.GrantLeaseAsync(timeToLive, cancellationToken);
        var keeper = new LeaseKeeper(leases, time, timeToLive, id);
        keeper._loop = keeper.KeepAliveAsync();
        return keeper;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _stop.CancelAsync();
        await _loop;
        try
        {
            using var limit = new CancellationTokenSource(_revokeLimit, _time);
            await _leases.RevokeLeaseAsync(LeaseId, limit.Token);
        }
        catch (Exception e) when (e is MetadataException or OperationCanceledException)
        {
            // The lease then ends by itself; nothing depends on the moment (X9).
        }

        _stop.Dispose();
        _lost.Dispose();
    }

    private async Task KeepAliveAsync()
    {
        var period = _timeToLive / 3;
        var renewed = _time.GetTimestamp();
        try
        {
            while (true)
            {
                await Task.Delay(period, _time, _stop.Token);
                var sent = _time.GetTimestamp();
                try
                {
                    if (!await _leases.KeepLeaseAliveAsync(LeaseId, _stop.Token))
                        break;
                    renewed = sent;
                }
                catch (MetadataException) when (_time.GetElapsedTime(renewed) < _timeToLive)
                {
                    // Unreachable: try again until the lease must have ended.
                }
                catch (MetadataException)
                {
                    break;
                }
            }

            await _lost.CancelAsync();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }
}
