using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Woodpecker.Rollback;
using Woodpecker.Storage;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Rollback;

namespace Woodpecker.Replica;

/// <summary>
/// The node's life: opens the store, makes its identity known in metadata before it serves, keeps its live key. A store
/// that exists and did not change serves without metadata; formatting a new one needs it (docs/PROTOCOL.md section 13).
/// </summary>
internal sealed partial class ReplicaNode(
    IOptions<ReplicaOptions> options,
    ReplicaStoreOpener opener,
    TransactionRunner runner,
    NodeTransactions nodes,
    StoreAudit audit,
    ILeaseStore leases,
    IIdSource ids,
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggers) : BackgroundService, IHealthCheck
{
    private const int ComparedAtOnce = 100;

    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _registrationPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _liveTimeToLive = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger<ReplicaNode>();
    private readonly TaskCompletionSource<ReplicaStore> _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReplicaStore? _opened;
    private volatile string _problem = "the store is being opened";
    private LogId _comparedTo;

    /// <summary>Name of this node.</summary>
    public string NodeId => options.Value.NodeId;

    /// <summary>Identity of the cluster; known once serving.</summary>
    public Guid ClusterId { get; private set; }

    /// <summary>
    /// Whether metadata is known to be older than what some process remembers: nothing is sealed, published or dropped by it
    /// until an operator accepts it (section 13).
    /// </summary>
    public bool IsSafeMode => runner.Guard.IsSafeMode;

    /// <summary>Raised when a recoverer came with a smaller epoch than the promised one: a zombie, or metadata went back (T1).</summary>
    public event Action? Doubted;

    /// <summary>A fence was refused as too old.</summary>
    public void Doubt() => Doubted?.Invoke();

    /// <summary>Completes with the store once it may serve.</summary>
    public Task<ReplicaStore> Serving => _serving.Task;

    /// <summary>The store; null while the node is starting and after its journal failed.</summary>
    public ReplicaStore? StoreIfServing => _serving.Task.IsCompletedSuccessfully && _opened is { Failure: null } store ? store : null;

    /// <summary>The store.</summary>
    /// <exception cref="WoodpeckerException">Unavailable while the node is starting or after its journal failed.</exception>
    public ReplicaStore Store => StoreIfServing
        ?? throw new WoodpeckerException(ErrorKind.Unavailable, $"Replica {NodeId} does not serve yet: {_problem}.");

    /// <summary>Whether a planned stop began: no new segments are taken (Z3).</summary>
    public bool IsDraining { get; private set; }

    /// <summary>A planned stop began: readiness goes first.</summary>
    public void BeginDrain() => IsDraining = true;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!_serving.Task.IsCompletedSuccessfully)
            return Task.FromResult(HealthCheckResult.Unhealthy(_problem));
        if (IsDraining)
            return Task.FromResult(HealthCheckResult.Unhealthy("the replica is stopping"));
        if (_opened!.Failure is not null)
            return Task.FromResult(HealthCheckResult.Unhealthy("the journal failed"));
        return Task.FromResult(HealthCheckResult.Healthy());
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _opened?.Dispose();
    }

    public override void Dispose()
    {
        _opened?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            ClusterId = await FindClusterAsync(stoppingToken);
            runner.Guard.ClusterId = ClusterId;
            var hadStore = opener.HasStore;
            var store = _opened = opener.Open(ClusterId);
            store.GenerationRaised += () => _ = RegisterAgainAsync(store, stoppingToken);
            Log.Opened(_logger, store.Self.ToString(), store.List().Count);
            var registering = RegisterAsync(store, isRound: false, stoppingToken);
            // R10: metadata first hears of the generation. A store that is known there may go on without: until metadata names
            // its present generation it refuses what it must not take.
            if (hadStore)
                await Task.WhenAny(registering, Task.Delay(_registrationPatience, runner.Time, stoppingToken));
            else
                await registering;
            _serving.SetResult(store);
            await registering;
            await using var live = await RetryAsync(
                () => LiveLease.StartAsync(
                    runner, leases, loggers.CreateLogger<LiveLease>(), NodeId, "replica", _liveTimeToLive, stoppingToken),
                stoppingToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, runner.Time, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            _serving.TrySetCanceled(stoppingToken);
        }
        catch (Exception e)
        {
            // A store that cannot be trusted must not serve; the sentence says what to do.
            var told = StorageErrors.Translate(e) ?? new WoodpeckerException(ErrorKind.Internal, $"{e.GetType().Name}: {e.Message}", e);
            Log.CannotServe(_logger, NodeId, told.Message);
            _problem = told.Message;
            _serving.TrySetException(told);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private async Task<Guid> FindClusterAsync(CancellationToken cancellationToken)
    {
        var configured = options.Value.ClusterId;
        if (configured is { } id && opener.HasStore)
            return id;
        var cluster = await RetryAsync(
            async () => await nodes.EnsureClusterAsync(configured ?? ids.NewGuid(), cancellationToken),
            cancellationToken);
        if (configured is { } expected && expected != cluster.ClusterId)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"Woodpecker:ClusterId is {expected:N}, but the metadata belongs to cluster {cluster.ClusterId:N}; one of the two connections is wrong.");
        }

        return cluster.ClusterId;
    }

    /// <summary>
    /// Registers once more and compares what the store remembers with metadata: after a watch broke, as it does when
    /// metadata is restored, after a fence was refused (T1), and once in a while.
    /// </summary>
    /// <param name="isRound">Whether only the next few logs are compared, so that a store of very many asks little of metadata.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async ValueTask CompareWithMetadataAsync(bool isRound, CancellationToken cancellationToken)
    {
        if (StoreIfServing is { } store)
            await RegisterAsync(store, isRound, cancellationToken);
    }

    private List<HeldLog> NextOfRound(IReadOnlyList<HeldLog> held)
    {
        var part = held.Where(h => h.Log.CompareTo(_comparedTo) > 0).Take(ComparedAtOnce).ToList();
        _comparedTo = part.Count < ComparedAtOnce ? default : part[^1].Log;
        return part;
    }

    // The journal met an unreadable record while running.
    private async Task RegisterAgainAsync(ReplicaStore store, CancellationToken cancellationToken)
    {
        try
        {
            await RegisterAsync(store, isRound: false, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Stopping: the next boot registers.
        }
    }

    private async Task RegisterAsync(ReplicaStore store, bool isRound, CancellationToken cancellationToken)
    {
        // The store remembers over restarts what the process forgot.
        runner.Guard.Revisions.Remember(store.HighestRevision);
        var held = isRound ? NextOfRound(store.Recollect()) : store.Recollect();
        var registered = await RetryAsync(
            async () => await nodes.RegisterAsync(
                NodeId,
                new NodeValue
                {
                    Incarnation = store.Self.Incarnation,
                    Generation = store.Self.Generation,
                    AppId = NodeId,
                    Zone = options.Value.Zone,
                    IsMemory = options.Value.Journal.IsMemory ? true : null,
                },
                cancellationToken),
            cancellationToken);
        if (registered.Value.Generation > store.Self.Generation)
        {
            throw new WoodpeckerException(
                ErrorKind.Corrupt,
                $"The store of {NodeId} says generation {store.Self.Generation}, but generation {registered.Value.Generation} was registered once: it was restored from an older copy. Remove the journal directory to join as a new store.");
        }

        await AuditAsync(store, held, registered.ModRevision, cancellationToken);
    }

    // Section 13. What is held was committed before it came here; metadata read later must know it, or it went back.
    private async ValueTask AuditAsync(
        ReplicaStore store, IReadOnlyList<HeldLog> held, long mark, CancellationToken cancellationToken)
    {
        var proofs = await RetryAsync(() => audit.RunAsync(held, mark, cancellationToken), cancellationToken);
        foreach (var proof in proofs)
        {
            runner.Guard.Suspect(proof, mark);
            Log.RolledBack(_logger, proof);
        }

        if (!IsSafeMode)
            store.RememberRevision(runner.Guard.Revisions.Highest);
    }

    private async Task<T> RetryAsync<T>(Func<ValueTask<T>> action, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await action();
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { Kind: ErrorKind.Unavailable or ErrorKind.Indeterminate } known)
            {
                _problem = known.Message;
                Log.MetadataAway(_logger, known.Message);
            }

            await Task.Delay(_retryPause, runner.Time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3101, LogLevel.Information, "Store {Replica} is open with {Count} segments")]
        public static partial void Opened(ILogger logger, string replica, int count);

        [LoggerMessage(3102, LogLevel.Warning, "The metadata store does not answer: {Reason}")]
        public static partial void MetadataAway(ILogger logger, string reason);

        [LoggerMessage(3104, LogLevel.Critical, "The metadata store went back to an older state: {Proof}")]
        public static partial void RolledBack(ILogger logger, string proof);

        [LoggerMessage(3103, LogLevel.Critical, "{NodeId} cannot serve: {Reason}")]
        public static partial void CannotServe(ILogger logger, string nodeId, string reason);
    }
}
