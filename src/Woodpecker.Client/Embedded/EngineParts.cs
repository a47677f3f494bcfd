using Microsoft.Extensions.Logging;
using Woodpecker.Quorum;
using Woodpecker.Storage.Cache;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Metadata.Leases;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Reading;
using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Client.Embedded;

/// <summary>
/// Everything an engine is made of: the parts of a writer, a replica and a reader, in one process (section 22).
/// </summary>
internal sealed class EngineParts : IAsyncDisposable
{
    private const long MaxProcessBytes = 256L * 1024 * 1024;

    private static readonly TimeSpan _liveTime = TimeSpan.FromSeconds(10);

    /// <summary>One bound for all logs of the engine, in either mode (W9).</summary>
    private readonly AppendBudget _budget = new(MaxProcessBytes);

    private readonly LogOpener? _journalOpener;
    private readonly LogOpener _slotOpener;
    private readonly LogOpener _verifiedOpener;
    private readonly LiveLease _live;
    private readonly SlotRecovery _slots;
    private readonly JournalPlace? _journal;

    private EngineParts(
        WoodpeckerEngineOptions options,
        TransactionRunner runner,
        Guid clusterId,
        LiveLease live,
        ReplicaStore? store,
        ObjectStoreCapabilities capabilities)
    {
        Options = options;
        ClusterId = clusterId;
        Store = store;
        Capabilities = capabilities;
        Logs = new LogTransactions(runner);
        Writers = new WriterTransactions(runner);
        Jobs = new JobTransactions(runner);
        _live = live;
        Catalog = LogCatalog.Start(options.Metadata, options.Time, options.Loggers.CreateLogger<LogCatalog>());
        var cache = new BlockCache(options.BlockCacheBytes);
        Sources = new ReadSources
        {
            Tails = store is null ? null : new JournalTail(store),
            Objects = new ObjectReader(options.Objects, cache, _ => ValueTask.FromResult(clusterId)),
            Slots = new SlotReader(options.Objects, cache, _ => ValueTask.FromResult(clusterId)),
        };
        Traits = new ObjectStoreTraits(options.Fence);
        _slots = new SlotRecovery(options.Objects, clusterId, options.Ids, Writers, options.Fence);
        _slotOpener = MakeOpener(PlaceOf(SlotFence.Conditional), _slots);
        _verifiedOpener = MakeOpener(PlaceOf(SlotFence.EtcdVerify), _slots);
        if (store is not null)
        {
            _journal = new JournalPlace(store, options.Time);
            _journalOpener = MakeOpener(
                _journal,
                new EnsembleRecovery(_journal.OpenEnsemble, QuorumSpec.Single, new TakeoverSettings(), options.Time));
        }
    }

    public WoodpeckerEngineOptions Options { get; }

    public Guid ClusterId { get; }

    public ReplicaStore? Store { get; }

    public ObjectStoreCapabilities Capabilities { get; }

    public ObjectStoreTraits Traits { get; }

    public LogTransactions Logs { get; }

    public WriterTransactions Writers { get; }

    public JobTransactions Jobs { get; }

    public LogCatalog Catalog { get; }

    public ReadSources Sources { get; }

    /// <summary>Joins or founds the cluster, boots the journal, makes the live key.</summary>
    /// <exception cref="WoodpeckerException">
    /// The journal is another cluster's, in use or unreadable; a store does not answer.
    /// </exception>
    public static async ValueTask<EngineParts> OpenAsync(
        WoodpeckerEngineOptions options, CancellationToken cancellationToken)
    {
        var runner = new TransactionRunner(options.Metadata, options.Ids, options.Time);
        // U9: a store that does not guarantee what the modes need is refused, never worked around.
        var probe = new ObjectStoreProbe(
            options.Objects, options.Time, new Random(), new ObjectStoreTraits(options.Fence));
        var capabilities = await probe.RunAsync(cancellationToken).ConfigureAwait(false);
        var cluster = await new NodeTransactions(runner)
            .EnsureClusterAsync(options.Ids.NewGuid(), cancellationToken).ConfigureAwait(false);
        var store = options.JournalDirectory is { } directory
            ? await Task.Run(() => OpenStore(options, directory, cluster.ClusterId, runner), cancellationToken)
                .ConfigureAwait(false)
            : null;
        try
        {
            var live = await LiveLease.StartAsync(
                runner,
                options.Leases,
                options.Loggers.CreateLogger<LiveLease>(),
                options.NodeId,
                "embedded",
                _liveTime,
                cancellationToken).ConfigureAwait(false);
            return new EngineParts(options, runner, cluster.ClusterId, live, store, capabilities);
        }
        catch
        {
            store?.Dispose();
            throw;
        }
    }

    /// <summary>Begins a reign over a log; from an earlier run of this engine it is taken at once.</summary>
    /// <exception cref="WoodpeckerException">
    /// Unavailable: held by another process. Invalid: needs a journal. NotFound.
    /// </exception>
    public async ValueTask<WriterSession> OpenSessionAsync(LogRecord log, CancellationToken cancellationToken)
    {
        var opener = OpenerOf(log.Meta.Value);
        if (opener is null)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid, "This engine has no journal directory, so it appends to MemoryBuffer logs only.");
        }

        var isForced = false;
        while (true)
        {
            var opened = await opener.OpenAsync(
                log, Options.NodeId, _live.CreateRevision, isForced, cancellationToken).ConfigureAwait(false);
            switch (opened.Outcome)
            {
                case OpenOutcome.Opened:
                    return opened.Session!;
                case OpenOutcome.Gone:
                    throw new WoodpeckerException(ErrorKind.NotFound, $"The log '{log.Meta.Value.Name}' was deleted.");
                case OpenOutcome.Held when opened.Holder != Options.NodeId:
                    throw new WoodpeckerException(ErrorKind.Unavailable, $"The log is held by {opened.Holder}.")
                    {
                        Reason = "Held",
                        Owner = opened.Holder,
                    };
                default:
                    isForced = opened.Outcome == OpenOutcome.Held;
                    break;
            }
        }
    }

    /// <summary>Fences a segment of a deleted log, so that no append to it can succeed (D4).</summary>
    public async ValueTask<bool> FenceDeletedAsync(
        SegmentKey key, SegmentValue segment, CancellationToken cancellationToken)
    {
        if (segment.Mode == LogMode.MemoryBuffer)
        {
            await _slots.FenceDeletedAsync(key, segment, cancellationToken).ConfigureAwait(false);
            return true;
        }

        if (_journal is null)
            return false;
        var ensemble = _journal.OpenEnsemble(key, [.. segment.Ensemble.Select(static member => member.ToReplicaId())]);
        await using (ensemble.ConfigureAwait(false))
        {
            return await EnsembleRecovery.FenceDeletedAsync(
                ensemble, QuorumSpec.Single, new TakeoverSettings().FenceTimeout, Options.Time, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Catalog.DisposeAsync().ConfigureAwait(false);
        await _live.DisposeAsync().ConfigureAwait(false);
        Store?.Dispose();
    }

    private static ReplicaStore OpenStore(
        WoodpeckerEngineOptions options, string directory, Guid clusterId, TransactionRunner runner)
    {
        var medium = DiskMedium.OpenDirectory(directory);
        try
        {
            // J5: the store refuses everything from then on; the host process decides about itself.
            var logger = options.Loggers.CreateLogger<ReplicaStore>();
            var latch = new FailureLatch(failure => EngineLog.JournalFailed(logger, failure.Message, failure));
            return ReplicaStore.Open(
                medium,
                new ReplicaStoreOptions { ClusterId = clusterId, NodeId = options.NodeId },
                new EpochReader(runner),
                latch,
                options.Ids,
                options.Time,
                logger);
        }
        catch
        {
            medium.Dispose();
            throw;
        }
    }

    private SlotPlace PlaceOf(SlotFence fence) =>
        new(Options.Objects, ClusterId, new SlotSettings(), Options.Ids, Options.Time, fence);

    private LogOpener? OpenerOf(LogValue log)
    {
        if (log.Mode != LogMode.MemoryBuffer)
            return _journalOpener;
        Traits.CheckWritable(log.Name, log.Fence);
        return log.Fence == SlotFence.EtcdVerify ? _verifiedOpener : _slotOpener;
    }

    private LogOpener MakeOpener(ISegmentPlace place, ISegmentRecovery recovery)
    {
        var logger = Options.Loggers.CreateLogger<WriterSession>();
        var services = new SessionServices(Writers, place, new WriterSettings(), Options.Time, _budget, logger);
        return new LogOpener(services, recovery, new ObjectReplay(Options.Objects, ClusterId));
    }
}
