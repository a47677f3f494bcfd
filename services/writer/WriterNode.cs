using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Woodpecker.Protocol.Transport;
using Woodpecker.Quorum;
using Woodpecker.Services;
using Woodpecker.Storage;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Writing;
using Woodpecker.Writer.Replication;

namespace Woodpecker.Writer;

/// <summary>
/// The writer process: its identity and live key, its way to the replicas, and the opening of logs by mode. Ready once
/// the
/// cluster is known and the live key exists.
/// </summary>
/// <remarks>Threads: any.</remarks>
internal sealed partial class WriterNode(
    IOptions<WriterOptions> options,
    TransactionRunner runner,
    NodeTransactions nodes,
    WriterTransactions transactions,
    LossTransactions losses,
    ILeaseStore leases,
    IPeerChannels channels,
    IObjectStore objects,
    IIdSource ids,
    ILoggerFactory loggers,
    ObjectStoreTraits? traits = null,
    ObjectStoreGate? gate = null) : IHealthCheck, IAsyncDisposable
{
    /// <summary>Kind of process in the live key.</summary>
    public const string Service = "writer";

    private static readonly TimeSpan _probeWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(250);

    private readonly ILogger _logger = loggers.CreateLogger<WriterNode>();
    private readonly WriterOptions _options = options.Value;
    private readonly AppendBudget _budget = new(options.Value.Writer.MaxProcessBytes);
    private LiveLease? _live;
    private ReplicaPool? _replicas;
    private int _isDisposed;
    private LogOpener? _quorumOpener;
    private LogOpener? _slotOpener;
    private LogOpener? _verifiedOpener;
    private SlotRecovery? _slots;
    private ForcedSeal? _forcedSeal;
    private volatile string? _problem = "the writer starts";

    /// <summary>What the object store is used for; MemoryBuffer logs are created with its fence.</summary>
    public ObjectStoreTraits Traits { get; } = traits ?? ObjectStoreTraits.Default;

    /// <summary>App id of this writer.</summary>
    public string AppId => _options.NodeId;

    /// <summary>Identity of the cluster; known once started.</summary>
    public Guid ClusterId { get; private set; }

    /// <summary>create_revision of the own live key; 0 while there is none.</summary>
    public long LiveRevision => _live?.CreateRevision ?? 0;

    /// <summary>Bytes of appends that were admitted and are not answered, in all logs; 0 at rest (INV-32).</summary>
    public long QueuedBytes => _budget.Used;

    /// <summary>Whether logs can be opened.</summary>
    public bool IsReady => _problem is null;

    /// <summary>Bounds of one append.</summary>
    public AppendLimits Limits { get; } = AppendLimits.Default;

    /// <summary>Joins the cluster; retries until metadata answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ClusterId = await FindClusterAsync(cancellationToken);
        _live = await RetryAsync(
            () => LiveLease.StartAsync(
                runner,
                leases,
                loggers.CreateLogger<LiveLease>(),
                AppId,
                Service,
                TimeSpan.FromSeconds(_options.Writer.LiveSeconds),
                cancellationToken),
            cancellationToken);
        var replication = new ReplicationSettings();
        _replicas = new ReplicaPool(
            ClusterId, AppId, nodes, channels, replication, runner.Time, loggers.CreateLogger<ReplicaPool>());
        await _replicas.PrepareAsync(cancellationToken);
        var place = new QuorumPlace(_replicas, replication, runner.Time, loggers.CreateLogger<QuorumSink>());
        var takeover = new TakeoverSettings
        {
            Deadline = TimeSpan.FromMilliseconds(_options.Writer.TakeoverMilliseconds),
        };
        var recovery = new EnsembleRecovery(_replicas.OpenEnsemble, replication.Quorum, takeover, runner.Time);
        _quorumOpener = Opener(place, recovery);
        _forcedSeal = new ForcedSeal(
            transactions, losses, nodes, recovery, runner.Time, loggers.CreateLogger<ForcedSeal>());
        _slots = new SlotRecovery(objects, ClusterId, ids, transactions, Traits.Fence);
        var slotSettings = new SlotSettings { MaxInFlight = _options.Writer.SlotsInFlight };
        _slotOpener = Opener(new SlotPlace(objects, ClusterId, slotSettings, ids, runner.Time), _slots);
        _verifiedOpener = Opener(
            new SlotPlace(objects, ClusterId, slotSettings, ids, runner.Time, SlotFence.EtcdVerify), _slots);
        _problem = null;
        Log.Started(_logger, AppId, ClusterId);
    }

    /// <summary>Begins a reign over a log.</summary>
    /// <exception cref="WoodpeckerException">Unavailable: not ready, or recovery is blocked.</exception>
    public async ValueTask<OpenResult> OpenAsync(LogRecord log, bool isForced, CancellationToken cancellationToken)
    {
        var live = LiveRevision;
        var opener = OpenerOf(log.Meta.Value);
        if (log.Meta.Value.Mode == LogMode.MemoryBuffer)
            await WaitForProbeAsync(cancellationToken);
        if (opener is null || live == 0)
            throw NotReady();
        try
        {
            return await opener.OpenAsync(log, AppId, live, isForced, cancellationToken);
        }
        catch (WoodpeckerException e) when (
            e.Reason == "RecoveryBlocked" && log.Meta.Value.OnProvenLoss == LossPolicy.Declare)
        {
            return await DeclareAsync(opener, log, e, cancellationToken);
        }
    }

    /// <summary>Seals the log's unsealed segment by force, or tells what that would lose (11.6).</summary>
    /// <exception cref="WoodpeckerException">Those of <see cref="ForcedSeal.RunAsync"/>.</exception>
    public async ValueTask<ForcedSealResult> ForceSealAsync(
        LogRecord log, SegmentId? segment, LossDecision decision, CancellationToken cancellationToken)
    {
        var live = LiveRevision;
        return _forcedSeal is null || live == 0
            ? throw NotReady()
            : await _forcedSeal.RunAsync(log, segment, decision, AppId, live, cancellationToken);
    }

    /// <summary>
    /// Asks the members of an open segment under the own epoch, until Qa of them are Clean and did not promise a higher
    /// one: then no successor can have finished a takeover before the question (V7). The question is a fence with the
    /// own epoch, which changes nothing.
    /// </summary>
    /// <exception cref="WoodpeckerException">Fenced: a higher epoch is at work; Unavailable: too few members answer.</exception>
    public async ValueTask ConfirmReignAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken)
    {
        if (_replicas is null)
            throw NotReady();
        var settings = new TakeoverSettings();
        await using var ensemble =
            _replicas.OpenEnsemble(key, [.. segment.Ensemble.Select(static m => m.ToReplicaId())]);
        await EnsembleRecovery.ConfirmReignAsync(
            ensemble, epoch, QuorumSpec.Default, settings.FenceTimeout, runner.Time, cancellationToken);
    }

    /// <summary>
    /// Whether this process is connected to enough replicas to take a log over and append to it: of the members of every
    /// unsealed segment, and of those that a next one could have.
    /// </summary>
    public bool CanReach(IEnumerable<SegmentValue> unsealed) => _replicas is { } pool && pool.CanSpareDraining()
        && unsealed.All(segment => pool.CanReach([.. segment.Ensemble.Select(static m => m.ToReplicaId())]));

    /// <summary>
    /// Fences a segment of a deleted log: its members, or its slots (D4); false while too few answered.
    /// </summary>
    public async ValueTask<bool> FenceDeletedAsync(
        SegmentKey key, SegmentValue segment, CancellationToken cancellationToken)
    {
        if (_replicas is null || _slots is null)
            return false;
        if (segment.Mode == LogMode.MemoryBuffer)
        {
            await _slots.FenceDeletedAsync(key, segment, cancellationToken);
            return true;
        }

        var settings = new TakeoverSettings();
        await using var ensemble =
            _replicas.OpenEnsemble(key, [.. segment.Ensemble.Select(static m => m.ToReplicaId())]);
        return await EnsembleRecovery.FenceDeletedAsync(
            ensemble, QuorumSpec.Default, settings.FenceTimeout, runner.Time, cancellationToken);
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (_problem is { } problem)
            return Task.FromResult(HealthCheckResult.Unhealthy(problem));
        return Task.FromResult(LiveRevision == 0
            // Appends go on in open segments while the metadata store is away (section 13); only openings must wait.
            ? HealthCheckResult.Degraded("the live key was lost: no log can be opened until it is made again")
            : HealthCheckResult.Healthy());
    }

    public async ValueTask DisposeAsync()
    {
        _problem = "the writer stops";
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return; // The container knows the node twice, as itself and as a hosted service.
        if (_replicas is not null)
            await _replicas.DisposeAsync();
        if (_live is not null)
            await _live.DisposeAsync();
    }

    // 11.6: a proven loss does not block a log whose owner chose so beforehand.
    private async ValueTask<OpenResult> DeclareAsync(
        LogOpener opener, LogRecord log, WoodpeckerException blocked, CancellationToken cancellationToken)
    {
        try
        {
            await ForceSealAsync(log, null, LossDecision.ByPolicy, cancellationToken);
        }
        catch (WoodpeckerException e) when (e.Reason is "LossNotProven" or "NotBlocked")
        {
            throw blocked;
        }

        return await opener.OpenAsync(log, AppId, LiveRevision, isForced: true, cancellationToken);
    }

    private WoodpeckerException NotReady() =>
        new(ErrorKind.Unavailable, $"Writer {AppId} has no live key: {_problem ?? "it was lost"}.")
        {
            Reason = "NotReady",
            RetryAfter = _retryPause,
        };

    // U9: no slot is put into a store before it is known to guarantee what acknowledgements rely on.
    private async ValueTask WaitForProbeAsync(CancellationToken cancellationToken)
    {
        if (gate is null)
            return;
        try
        {
            await gate.CapabilitiesAsync(cancellationToken).WaitAsync(_probeWait, runner.Time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, "The object store has not passed its start-up probe yet.", e)
            {
                Reason = "NotReady",
                RetryAfter = _retryPause,
            };
        }
    }

    private LogOpener? OpenerOf(LogValue log)
    {
        if (log.Mode != LogMode.MemoryBuffer)
            return _quorumOpener;
        Traits.CheckWritable(log.Name, log.Fence);
        return log.Fence == SlotFence.EtcdVerify ? _verifiedOpener : _slotOpener;
    }

    private LogOpener Opener(ISegmentPlace place, ISegmentRecovery recovery)
    {
        var tuning = _options.Writer;
        var settings = new WriterSettings
        {
            Limits = Limits,
            MaxQueuedBytes = tuning.MaxQueuedBytes,
            MaxUnconfirmedBytes = tuning.MaxUnconfirmedBytes,
            PipelineDepth = tuning.PipelineDepth,
            TargetFrameSize = tuning.TargetFrameBytes,
            AppendTimeout = TimeSpan.FromMilliseconds(tuning.AppendTimeoutMilliseconds),
            QuorumGrace = TimeSpan.FromMilliseconds(tuning.QuorumGraceMilliseconds),
            IdleSeal = TimeSpan.FromMilliseconds(tuning.IdleSealMilliseconds),
            EarlyRollAge = TimeSpan.FromMilliseconds(tuning.EarlyRollMilliseconds),
        };
        var services = new SessionServices(
            transactions, place, settings, runner.Time, _budget, loggers.CreateLogger<WriterSession>());
        return new LogOpener(services, recovery, new ObjectReplay(objects, ClusterId));
    }

    private async Task<Guid> FindClusterAsync(CancellationToken cancellationToken)
    {
        var cluster = await RetryAsync(
            () => nodes.EnsureClusterAsync(_options.ClusterId ?? ids.NewGuid(), cancellationToken), cancellationToken);
        if (_options.ClusterId is { } expected && expected != cluster.ClusterId)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"Woodpecker:ClusterId is {expected:N}, but the metadata belongs to cluster {cluster.ClusterId:N}; "
                + "one of the two settings is wrong.");
        }

        return cluster.ClusterId;
    }

    private async Task<T> RetryAsync<T>(Func<ValueTask<T>> action, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await action();
            }
            catch (Exception e) when (
                StorageErrors.Translate(e) is { Kind: ErrorKind.Unavailable or ErrorKind.Indeterminate } known)
            {
                _problem = known.Message;
                Log.MetadataAway(_logger, known.Message);
            }

            await Task.Delay(_retryPause, runner.Time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3601, LogLevel.Information, "Writer {AppId} joined cluster {ClusterId}")]
        public static partial void Started(ILogger logger, string appId, Guid clusterId);

        [LoggerMessage(3602, LogLevel.Warning, "The metadata store does not answer: {Reason}")]
        public static partial void MetadataAway(ILogger logger, string reason);
    }
}
