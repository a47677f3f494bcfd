using Microsoft.Extensions.Options;
using Woodpecker.Compaction;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Compactor.Jobs;

/// <summary>Does everything there is to do on one log, one job after the other (C8: one object's memory at a time).</summary>
internal sealed class LogWorker
{
    private readonly IMetadataStore _metadata;
    private readonly CompactionPolicy _policy;
    private readonly UploadJob _uploads;
    private readonly CompactionRunner _merges;
    private readonly RetentionRunner _retention;
    private readonly TruncationRunner _truncation;
    private readonly GcCollector _gc;
    private readonly OrphanCollector _orphans;
    private readonly DeletedLogCollector _deleted;

    public LogWorker(
        IMetadataStore metadata, ILeaseStore leases, IObjectStore store, TransactionRunner runner, TimeProvider time,
        IOptions<CompactorOptions> options, ILoggerFactory loggers)
    {
        var tuning = options.Value.Compactor;
        var maintenance = tuning.ToMaintenance();
        var jobs = new JobTransactions(runner);
        var logs = new LogTransactions(runner);
        var collection = new CollectionTransactions(runner);
        _metadata = metadata;
        _policy = tuning.ToPolicy();
        _uploads = new UploadJob(
            new SegmentUploader(store, tuning.ToObjectOptions()), new ManifestPublisher(store, jobs), jobs, leases, time,
            options.Value.NodeId)
        {
            SlotGrace = maintenance.GcGrace,
        };
        _merges = new CompactionRunner(
            store, tuning.ToObjectOptions(), jobs, leases, time, options.Value.NodeId, maintenance.GcGrace);
        _retention = new RetentionRunner(metadata, logs, time, loggers.CreateLogger<RetentionRunner>());
        _truncation = new TruncationRunner(
            metadata, store, logs, collection, maintenance, time, loggers.CreateLogger<TruncationRunner>());
        _gc = new GcCollector(metadata, store, collection, maintenance, time, loggers.CreateLogger<GcCollector>());
        _orphans = new OrphanCollector(runner, store, maintenance, loggers.CreateLogger<OrphanCollector>());
        _deleted = new DeletedLogCollector(
            runner, store, collection, _gc, maintenance, loggers.CreateLogger<DeletedLogCollector>());
    }

    /// <summary>Works on a live log.</summary>
    public async ValueTask RunAsync(
        Guid clusterId, LogRecord log, bool withOrphans, PassReport report, CancellationToken cancellationToken)
    {
        if (await _retention.RunAsync(log, cancellationToken) is not null)
            report.Retained++;
        report.TruncationSteps += await _truncation.RunAsync(log.Id, cancellationToken);
        var keys = await SegmentKeys.ReadAsync(_metadata, log.Id, cancellationToken);
        foreach (var job in JobChooser.Choose(keys.ToPlanned(), _policy))
            await RunAsync(clusterId, log.Id, keys, job, report, cancellationToken);
        report.Collected += await _gc.RunAsync(log.Id, cancellationToken);
        if (withOrphans)
            report.Orphans += await _orphans.RunAsync(log.Id, cancellationToken);
    }

    /// <summary>Works on a deleted log.</summary>
    /// <returns>Whether nothing is left of it.</returns>
    public ValueTask<bool> CollectDeletedAsync(LogId log, CancellationToken cancellationToken) =>
        _deleted.RunAsync(log, cancellationToken);

    private async ValueTask RunAsync(
        Guid clusterId, LogId log, SegmentKeys keys, LogJob job, PassReport report, CancellationToken cancellationToken)
    {
        var key = keys.Entries[job.Index];
        switch (job.Kind)
        {
            case LogJobKind.Merge:
                if (await _merges.RunAsync(clusterId, log, keys, job.Plan, cancellationToken) == CompactionOutcome.Merged)
                    report.Merged++;
                return;
            case LogJobKind.CopySlots:
                if (await _uploads.RunSlotsAsync(clusterId, log, key.Id, key.Key, cancellationToken) == UploadOutcome.Published)
                    report.Published++;
                return;
            default:
                if (await _uploads.RunEmptyAsync(clusterId, log, key.Id, key.Key, cancellationToken) == UploadOutcome.Published)
                    report.Published++;
                return;
        }
    }
}
