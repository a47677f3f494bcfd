using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Woodpecker.Storage;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Replicas;

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
    ILeaseStore leases,
    IIdSource ids,
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggers) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _registrationPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _liveTimeToLive = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger<ReplicaNode>();
    private readonly TaskCompletionSource<ReplicaStore> _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReplicaStore? _opened;
    private volatile string _problem = "the store is being opened";

    /// <summary>Name of this node.</summary>
    public string NodeId => options.Value.NodeId;

    /// <summary>Identity of the cluster; known once serving.</summary>
    public Guid ClusterId { get; private set; }

    /// <summary>
    /// Whether metadata answered with an older state than this store has seen: nothing is published or dropped by it until an
    /// operator decides (section 13).
    /// </summary>
    public bool IsMetadataRolledBack { get; private set; }

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
        return Task.FromResult(IsMetadataRolledBack
            ? HealthCheckResult.Degraded("the metadata store went back to an older state")
            : HealthCheckResult.Healthy());
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
            var hadStore = opener.HasStore;
            var store = _opened = opener.Open(ClusterId);
            store.GenerationRaised += () => _ = RegisterAgainAsync(store, stoppingToken);
            Log.Opened(_logger, store.Self.ToString(), store.List().Count);
            var registering = RegisterAsync(store, stoppingToken);
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

    // The journal met an unreadable record while running.
    private async Task RegisterAgainAsync(ReplicaStore store, CancellationToken cancellationToken)
    {
        try
        {
            await RegisterAsync(store, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Stopping: the next boot registers.
        }
    }

    private async Task RegisterAsync(ReplicaStore store, CancellationToken cancellationToken)
    {
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

        if (!store.RememberRevision(registered.ModRevision))
        {
            IsMetadataRolledBack = true;
            Log.RolledBack(_logger, registered.ModRevision, store.HighestRevision);
        }
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

        [LoggerMessage(3104, LogLevel.Critical, "The metadata store is at revision {Revision}, but {Seen} was seen before: it was rolled back")]
        public static partial void RolledBack(ILogger logger, long revision, long seen);

        [LoggerMessage(3103, LogLevel.Critical, "{NodeId} cannot serve: {Reason}")]
        public static partial void CannotServe(ILogger logger, string nodeId, string reason);
    }
}
