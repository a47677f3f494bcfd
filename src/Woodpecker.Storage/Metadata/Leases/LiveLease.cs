using Microsoft.Extensions.Logging;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Leases;

/// <summary>
/// The process's live key: says "this process runs" for as long as its lease is kept, and makes the key again, with a
/// new create_revision, when the lease was lost. A hint for others' takeover, never proof (X9).
/// </summary>
/// <remarks>Threads: any. Ownership: dispose removes the key.</remarks>
public sealed partial class LiveLease : IAsyncDisposable
{
    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(500);

    private readonly TransactionRunner _runner;
    private readonly ILeaseStore _leases;
    private readonly ILogger<LiveLease> _logger;
    private readonly string _appId;
    private readonly LiveValue _value;
    private readonly TimeSpan _timeToLive;
    private readonly CancellationTokenSource _stop = new();
    private LeaseKeeper? _keeper;
    private Task _loop = Task.CompletedTask;
    private long _createRevision;

    private LiveLease(
        TransactionRunner runner, ILeaseStore leases, ILogger<LiveLease> logger, string appId, LiveValue value, TimeSpan timeToLive)
    {
        (_runner, _leases, _logger, _appId, _value, _timeToLive) = (runner, leases, logger, appId, value, timeToLive);
    }

    /// <summary>create_revision of the present live key; 0 while there is none.</summary>
    public long CreateRevision => Volatile.Read(ref _createRevision);

    /// <summary>Whether the key exists as far as this process knows.</summary>
    public bool IsLive => CreateRevision != 0;

    /// <summary>Puts the live key, replacing one that an earlier run of the same app id left, and keeps it.</summary>
    public static async ValueTask<LiveLease> StartAsync(
        TransactionRunner runner,
        ILeaseStore leases,
        ILogger<LiveLease> logger,
        string appId,
        string service,
        TimeSpan timeToLive,
        CancellationToken cancellationToken)
    {
        var lease = new LiveLease(runner, leases, logger, appId, new LiveValue { Service = service }, timeToLive);
        await lease.PutAsync(cancellationToken);
        lease._loop = lease.WatchAsync();
        return lease;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        if (_keeper is not null)
            await _keeper.DisposeAsync();
        _stop.Dispose();
    }

    private async ValueTask PutAsync(CancellationToken cancellationToken)
    {
        var keeper = await LeaseKeeper.StartAsync(_leases, _runner.Time, _timeToLive, cancellationToken);
        try
        {
            var key = MetadataKeys.Live(_appId);
            while (true)
            {
                // Delete then put in two steps: the new key must have a new create_revision, so that nobody takes this
                // run for the one that acquired a log before it.
                var old = await _runner.Store.GetAsync(key, cancellationToken);
                if (old is not null)
                {
                    await _runner.RunAsync(
                        new MetadataTransaction().WhenModRevision(key, old.ModRevision).Delete(key),
                        key,
                        static entry => entry is null,
                        cancellationToken);
                }

                var nonce = _runner.NewNonce();
                var result = await _runner.RunAsync<LiveValue>(
                    new MetadataTransaction()
                        .WhenAbsent(key)
                        .Put(key, MetadataJson.Write(_value with { Nonce = nonce }), keeper.LeaseId),
                    key,
                    nonce,
                    cancellationToken);
                if (!result.Landed)
                    continue;
                _keeper = keeper;
                Volatile.Write(ref _createRevision, result.Revision);
                return;
            }
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await LostAsync(_keeper!.Lost);
                Volatile.Write(ref _createRevision, 0);
                Log.Lost(_logger, _appId);
                await _keeper.DisposeAsync();
                while (!IsLive)
                {
                    try
                    {
                        await PutAsync(_stop.Token);
                    }
                    catch (MetadataException e)
                    {
                        Log.NotRestored(_logger, _appId, e.Message);
                        await Task.Delay(_retryPause, _runner.Time, _stop.Token);
                    }
                }

                Log.Restored(_logger, _appId);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task LostAsync(CancellationToken lost)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lost, _stop.Token);
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _runner.Time, either.Token);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // The lease is lost.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Warning, "The live key of {AppId} was lost; making it again")]
        public static partial void Lost(ILogger logger, string appId);

        [LoggerMessage(2102, LogLevel.Warning, "The live key of {AppId} cannot be made yet: {Reason}")]
        public static partial void NotRestored(ILogger logger, string appId, string reason);

        [LoggerMessage(2103, LogLevel.Information, "The live key of {AppId} exists again")]
        public static partial void Restored(ILogger logger, string appId);
    }
}
