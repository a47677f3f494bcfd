using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Woodpecker.Services;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Compactor.Jobs;

/// <summary>
/// Passes over all logs, again and again, one pass at a time. What fails on one log is logged and does not stop the
/// others; state lives in metadata only, so a pass may end anywhere and any compactor goes on (C6, C9).
/// </summary>
internal sealed partial class JobLoop(
    IMetadataStore metadata, TransactionRunner runner, LogTransactions logs, LogWorker worker, ObjectStoreGate gate,
    IOptions<CompactorOptions> options, TimeProvider time, ILogger<JobLoop> logger) : BackgroundService, IHealthCheck
{
    private const int PageSize = 1_000;
    private const int MaxKnownGone = 100_000;
    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _one = new(1);
    private readonly FailureMemory _failures = new(time);
    private readonly HashSet<LogId> _knownGone = [];
    private volatile string? _problem = "the metadata store has not answered yet";
    private long? _orphansAt;
    private Guid? _clusterId;

    /// <summary>Runs one pass now, after one that is under way.</summary>
    /// <param name="withOrphans">Also look for orphaned objects, whenever that was done last.</param>
    /// <param name="cancellationToken">Ends the pass between two steps.</param>
    public async Task<PassReport> RunNowAsync(bool withOrphans, CancellationToken cancellationToken)
    {
        await gate.CapabilitiesAsync(cancellationToken);
        await _one.WaitAsync(cancellationToken);
        try
        {
            _failures.Forget();
            return await PassAsync(withOrphans, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_problem is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy());

    public override void Dispose()
    {
        _one.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await gate.CapabilitiesAsync(stoppingToken);
        while (true)
        {
            var pause = TimeSpan.FromMilliseconds(options.Value.Compactor.PassMilliseconds);
            await _one.WaitAsync(stoppingToken);
            try
            {
                await PassAsync(withOrphans: false, stoppingToken);
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                _problem = known.Message;
                pause = _retryPause < pause ? _retryPause : pause;
                Unreachable(known.Message);
            }
            finally
            {
                _one.Release();
            }

            await Task.Delay(pause, time, stoppingToken);
        }
    }

    private async Task<PassReport> PassAsync(bool withOrphans, CancellationToken cancellationToken)
    {
        var report = new PassReport();
        if (runner.Guard.IsSafeMode)
            return report; // Section 13: nothing is published, merged or deleted by metadata that went back.
        if (await ReadClusterAsync(cancellationToken) is not { } clusterId)
            return report; // Nobody founded the cluster yet, so there is no log.
        var isOrphanTime = withOrphans || _orphansAt is not { } last
            || time.GetElapsedTime(last) >= TimeSpan.FromSeconds(options.Value.Compactor.OrphanSeconds);
        await LiveLogsAsync(clusterId, isOrphanTime, report, cancellationToken);
        await DeletedLogsAsync(report, cancellationToken);
        if (isOrphanTime)
            _orphansAt = time.GetTimestamp();
        _problem = null;
        Passed(report);
        return report;
    }

    private async ValueTask<Guid?> ReadClusterAsync(CancellationToken cancellationToken)
    {
        if (_clusterId is null)
        {
            var cluster = await runner.ReadAsync<ClusterValue>(MetadataKeys.Cluster, cancellationToken);
            _clusterId = cluster?.Value.ClusterId;
            _problem = null;
        }

        return _clusterId;
    }

    private async ValueTask LiveLogsAsync(
        Guid clusterId, bool withOrphans, PassReport report, CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            var page = await logs.ListAsync(after, PageSize, cancellationToken);
            foreach (var (_, id) in page)
            {
                if (!_failures.ShouldSkip(id) && await logs.FindAsync(id, cancellationToken) is { } log)
                    await GuardAsync(id, report, () => worker.RunAsync(clusterId, log, withOrphans, report, cancellationToken),
                        cancellationToken);
            }

            if (page.Count < PageSize)
                return;
            after = page[^1].Name;
        }
    }

    private async ValueTask DeletedLogsAsync(PassReport report, CancellationToken cancellationToken)
    {
        var tombstones = await metadata.ListAsync(MetadataKeys.TombstonePrefix, cancellationToken);
        if (_knownGone.Count > MaxKnownGone)
            _knownGone.Clear();
        foreach (var entry in tombstones.Entries)
        {
            // Tombstones stay for ever; those with nothing left are looked at once per process.
            if (!MetadataKeys.TryParseLog(entry.Key, MetadataKeys.TombstonePrefix, out var log) || _knownGone.Contains(log))
                continue;
            await GuardAsync(log, report, async () =>
            {
                if (await worker.CollectDeletedAsync(log, cancellationToken))
                    _knownGone.Add(log);
            }, cancellationToken);
        }
    }

    /// <summary>Runs the work on one log; a failure is this log's alone.</summary>
    private async ValueTask GuardAsync(
        LogId log, PassReport report, Func<ValueTask> work, CancellationToken cancellationToken)
    {
        report.Logs++;
        try
        {
            await work();
        }
        catch (SourceException e)
        {
            report.Failed++;
            _failures.Remember(log);
            Damaged(log.Value, e.Fault, e.Message);
        }
        catch (InvariantViolationException e)
        {
            report.Failed++;
            _failures.Remember(log);
            Broken(log.Value, e.Message);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            report.Failed++;
            Failed(log.Value, known.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            report.Failed++;
            Failed(log.Value, "the job lost its lease or got too old");
        }
    }

    private void Passed(PassReport report)
    {
        if (report is { Published: 0, Merged: 0, Retained: 0, TruncationSteps: 0, Collected: 0, Orphans: 0, Failed: 0 })
            return;
        Done(report.Logs, report.Published, report.Merged, report.TruncationSteps, report.Collected, report.Orphans, report.Failed);
    }

    [LoggerMessage(
        2301, LogLevel.Information,
        "Pass over {Logs} logs: {Published} segments published, {Merged} merges, {TruncationSteps} truncation steps, "
        + "{Collected} gc records, {Orphans} orphans, {Failed} failures")]
    private partial void Done(int logs, int published, int merged, int truncationSteps, int collected, int orphans, int failed);

    [LoggerMessage(2302, LogLevel.Warning, "The stores do not answer: {Reason}")]
    private partial void Unreachable(string reason);

    [LoggerMessage(2303, LogLevel.Warning, "Work on log {Log} failed and will be tried again: {Reason}")]
    private partial void Failed(ulong log, string reason);

    [LoggerMessage(2304, LogLevel.Error, "Stored bytes of log {Log} failed a check ({Fault}); nothing was changed: {Reason}")]
    private partial void Damaged(ulong log, SourceFault fault, string reason);

    [LoggerMessage(2305, LogLevel.Critical, "A promise does not hold on log {Log}; it is left alone: {Reason}")]
    private partial void Broken(ulong log, string reason);
}
