using Microsoft.Extensions.Options;
using Woodpecker.Storage;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Reader;

/// <summary>
/// Tells the collector from where on this process still reads history: one leased key per log with the smallest offset that
/// any of its readers may ask for (V8, C3). The lease is kept by a loop of its own, whether readers make progress or not,
/// and is made again when it was lost. A courtesy: a reader that finds an object gone looks at metadata again.
/// </summary>
/// <remarks>Readers at the tail pin nothing and cost no request (V5).</remarks>
internal sealed partial class ReaderPins(
    ReaderPool pool, TransactionRunner runner, IIdSource ids, TimeProvider time, IOptions<ReaderOptions> options,
    ILogger<ReaderPins> logger, ILeaseStore? leases = null) : BackgroundService
{
    private static readonly TimeSpan _timeToLive = TimeSpan.FromSeconds(10);

    private readonly string _readerId = ids.NewGuid().ToString("N");
    private readonly Dictionary<LogId, Offset> _held = [];
    private LeaseKeeper? _keeper;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await DropLeaseAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (leases is null)
            return;
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(options.Value.PinMilliseconds), time, stoppingToken);
            try
            {
                await RefreshAsync(leases, stoppingToken);
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                // Without metadata nothing is collected either.
                LogNotPinned(known.Message);
            }
        }
    }

    private async Task RefreshAsync(ILeaseStore store, CancellationToken cancellationToken)
    {
        var wanted = pool.SmallestOffsets();
        if (_keeper is { Lost.IsCancellationRequested: true })
            await DropLeaseAsync();
        if (wanted.Count == 0)
        {
            // Revoking the lease takes all pins with it.
            await DropLeaseAsync();
            return;
        }

        _keeper ??= await LeaseKeeper.StartAsync(store, time, _timeToLive, cancellationToken);
        foreach (var (log, offset) in wanted)
        {
            if (_held.TryGetValue(log, out var held) && held == offset)
                continue;
            await PutAsync(log, offset, _keeper.LeaseId, cancellationToken);
            _held[log] = offset;
        }

        foreach (var log in _held.Keys.Where(log => !wanted.ContainsKey(log)).ToArray())
        {
            var key = MetadataKeys.Reader(log, _readerId);
            await runner.RunAsync(new MetadataTransaction().Delete(key), key, static entry => entry is null, cancellationToken);
            _held.Remove(log);
        }
    }

    private async Task PutAsync(LogId log, Offset offset, long leaseId, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Reader(log, _readerId);
        var nonce = runner.NewNonce();
        await runner.RunAsync<ReaderPinValue>(
            new MetadataTransaction().Put(key, MetadataJson.Write(new ReaderPinValue { Nonce = nonce, MinOffset = offset }), leaseId),
            key, nonce, cancellationToken);
    }

    private async Task DropLeaseAsync()
    {
        _held.Clear();
        if (_keeper is null)
            return;
        var keeper = _keeper;
        _keeper = null;
        await keeper.DisposeAsync();
    }

    [LoggerMessage(2211, LogLevel.Warning, "What is being read cannot be pinned now: {Reason}")]
    private partial void LogNotPinned(string reason);
}
