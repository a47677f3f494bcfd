using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Woodpecker.Services;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Compactor.Jobs;

/// <summary>
/// Reads everything that is published again and again, at a low rate (C7): what rotted is found while a copy or a backup may
/// still exist, not when a reader needs it.
/// </summary>
internal sealed partial class ScrubLoop : BackgroundService
{
    private const int PageSize = 1_000;

    private readonly SemaphoreSlim _one = new(1);
    private readonly Meter _meter = new("Woodpecker.Compactor");
    private readonly PacedObjectStore _store;
    private readonly ObjectScrubber _scrubber;
    private readonly TransactionRunner _runner;
    private readonly LogTransactions _logs;
    private readonly ObjectStoreGate _gate;
    private readonly TimeProvider _time;
    private readonly ILogger<ScrubLoop> _logger;
    private readonly TimeSpan _period;
    private int _damaged;

    public ScrubLoop(
        IObjectStore store, TransactionRunner runner, LogTransactions logs, ObjectStoreGate gate, TimeProvider time,
        IOptions<CompactorOptions> options, ILoggerFactory loggers)
    {
        (_runner, _logs, _gate, _time) = (runner, logs, gate, time);
        _logger = loggers.CreateLogger<ScrubLoop>();
        _period = TimeSpan.FromMinutes(options.Value.Compactor.ScrubMinutes);
        _store = new PacedObjectStore(store, options.Value.Compactor.ScrubBytesPerSecond, time);
        _scrubber = new ObjectScrubber(runner, _store, options.Value.NodeId, loggers.CreateLogger<ObjectScrubber>());
        _meter.CreateObservableCounter("woodpecker.compactor.scrub.bytes", () => _store.BytesRead, "By", "Bytes of objects read again");
        _meter.CreateObservableGauge(
            "woodpecker.compactor.scrub.damaged", () => Volatile.Read(ref _damaged), "{segment}",
            "Segment keys with missing or damaged objects, at the last reading");
    }

    /// <summary>Reads everything now, after a reading that is under way.</summary>
    public async Task<ScrubReport> RunNowAsync(CancellationToken cancellationToken)
    {
        await _gate.CapabilitiesAsync(cancellationToken);
        await _one.WaitAsync(cancellationToken);
        try
        {
            return await ScrubAllAsync(cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public override void Dispose()
    {
        _meter.Dispose();
        _one.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(_period, _time, stoppingToken);
            try
            {
                await RunNowAsync(stoppingToken);
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                PutOff(known.Message);
            }
        }
    }

    private async Task<ScrubReport> ScrubAllAsync(CancellationToken cancellationToken)
    {
        var report = new ScrubReport();
        if (_runner.Guard.IsSafeMode)
            return report;
        if (await _runner.ReadAsync<ClusterValue>(MetadataKeys.Cluster, cancellationToken) is not { } cluster)
            return report; // Nobody founded the cluster yet, so there is no log.
        var before = _store.BytesRead;
        string? after = null;
        while (true)
        {
            var page = await _logs.ListAsync(after, PageSize, cancellationToken);
            foreach (var (_, id) in page)
                await ScrubAsync(cluster.Value.ClusterId, id, report, cancellationToken);
            if (page.Count < PageSize)
                break;
            after = page[^1].Name;
        }

        report.Bytes = _store.BytesRead - before;
        Volatile.Write(ref _damaged, report.Damaged);
        Done(report.Keys, report.Logs, report.Bytes, report.Damaged, report.Repaired, report.Failed);
        return report;
    }

    private async Task ScrubAsync(Guid clusterId, LogId log, ScrubReport report, CancellationToken cancellationToken)
    {
        report.Logs++;
        try
        {
            var result = await _scrubber.RunAsync(clusterId, log, cancellationToken);
            report.Keys += result.Keys;
            report.Damaged += result.Damaged;
            report.Repaired += result.Repaired;
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            // An outage of the one log's objects or metadata; the others are read all the same.
            report.Failed++;
            PutOff(known.Message);
        }
    }

    [LoggerMessage(2321, LogLevel.Information, "Read {Keys} published segments of {Logs} logs again, {Bytes} bytes: {Damaged} damaged, {Repaired} repaired, {Failed} logs put off")]
    private partial void Done(int keys, int logs, long bytes, int damaged, int repaired, int failed);

    [LoggerMessage(2322, LogLevel.Warning, "The reading of published objects is put off: {Reason}")]
    private partial void PutOff(string reason);
}
