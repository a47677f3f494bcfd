using System.Threading.Channels;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>
/// A durable, ordered key space with etcd's semantics: one global revision, history since the last compaction,
/// compare-then-write transactions, leases and a feed of changes. One process, one directory.
/// </summary>
/// <remarks>
/// Threads:    any thread may call. One loop decides and writes; what gathers while a sync runs becomes the next group.
///             Reads use the newest durable snapshot and take no lock.
/// Durability: a change is answered, readable and watched only after its group was synced.
/// Errors:     <see cref="MvccException"/>. A failed write latches: every later change is refused, reads go on.
/// </remarks>
internal sealed class MvccStore : IAsyncDisposable
{
    private const int MaxGroupCommands = 256;
    private const int MaxGroupSize = 1024 * 1024;
    private static readonly TimeSpan _expiryInterval = TimeSpan.FromMilliseconds(200);

    private readonly LocalMetadataStoreOptions _options;
    private readonly LogDirectory _directory;
    private readonly CommitLog _log;
    private readonly LeaseTable _leases;
    private readonly MvccWriter _writer;
    private readonly MvccEvaluator _reads;
    private readonly Channel<MvccCommand> _queue;
    private readonly CancellationTokenSource _stopping = new();
    private MvccSnapshot _published;
    private long _checkpointSize;
    private bool _isChanged;
    private Exception? _failure;
    private Task _loop = Task.CompletedTask;
    private Task _expiry = Task.CompletedTask;

    private MvccStore(
        LocalMetadataStoreOptions options, LogDirectory directory, CommitLog log, LeaseTable leases, MvccRecovery recovered)
    {
        _options = options;
        _directory = directory;
        _log = log;
        _leases = leases;
        _published = recovered.State;
        _checkpointSize = recovered.CheckpointSize;
        History = recovered.History;
        StoreId = recovered.StoreId;
        _writer = new MvccWriter(log, recovered.State, leases, options.IdSource, options.MaxSize);
        _reads = new MvccEvaluator(leases.Exists, options.MaxSize);
        _queue = Channel.CreateBounded<MvccCommand>(new BoundedChannelOptions(options.MaxWaiting) { SingleReader = true });
    }

    /// <summary>Identity given when the store was made.</summary>
    public ulong StoreId { get; }

    /// <summary>The newest durable state.</summary>
    public MvccSnapshot Current => Volatile.Read(ref _published);

    /// <summary>Durable revisions, for watchers.</summary>
    public RevisionHistory History { get; }

    /// <summary>Why changes are refused; null while all is well.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Opens or makes the store.</summary>
    /// <exception cref="MetadataException">In use by another process, or damaged.</exception>
    public static MvccStore Open(LocalMetadataStoreOptions options)
    {
        var directory = LogDirectory.Open(options.Directory);
        try
        {
            var leases = new LeaseTable(options.TimeProvider);
            var recovered = MvccRecovery.Run(directory, leases, options, out var log);
            var store = new MvccStore(options, directory, log, leases, recovered);
            store._loop = Task.Run(store.RunAsync);
            store._expiry = Task.Run(store.ExpireLeasesAsync);
            return store;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Versions in the range that a reader at the revision sees, in key order; revision 0 is now.</summary>
    /// <exception cref="MvccException">Compacted or FutureRevision.</exception>
    public IReadOnlyList<KeyVersion> Range(MvccSnapshot state, KeyRange range, long revision)
    {
        if (revision <= 0)
            return [.. state.Present(range)];
        if (revision > state.Revision)
            throw new MvccException(MvccError.FutureRevision);
        var visible = state.VisibleAt(range, revision).ToList();
        // Asked after walking: a compaction that ran meanwhile may have cut what was walked.
        return revision < Current.CompactedRevision ? throw new MvccException(MvccError.Compacted) : visible;
    }

    /// <summary>Decides a transaction.</summary>
    public async ValueTask<MvccOutcome> CommitAsync(MvccTransaction transaction, CancellationToken cancellationToken) =>
        transaction.IsReadOnly
            ? EvaluateReads(transaction)
            : await AskAsync(writer => writer.Commit(transaction), cancellationToken);

    /// <summary>Drops history before the revision.</summary>
    public ValueTask<long> CompactAsync(long revision, CancellationToken cancellationToken) =>
        AskAsync(writer => writer.Compact(revision), cancellationToken);

    /// <summary>Grants a lease; id 0 asks for a fresh one. The time to live is at least one second.</summary>
    public ValueTask<LeaseInfo> GrantLeaseAsync(long id, long seconds, CancellationToken cancellationToken) =>
        AskAsync(writer => writer.Grant(id, Math.Max(1, seconds)), cancellationToken);

    /// <summary>Ends a lease and deletes its keys.</summary>
    public ValueTask<long> RevokeLeaseAsync(long id, CancellationToken cancellationToken) =>
        AskAsync(writer => writer.EndLease(id, onlyIfExpired: false), cancellationToken);

    /// <summary>Renews a lease without waiting for anything.</summary>
    /// <returns>Its time to live in seconds; 0 if it has ended.</returns>
    public long KeepLeaseAlive(long id) => _leases.Renew(id);

    /// <summary>A lease; null if unknown.</summary>
    public LeaseInfo? FindLease(long id) => _leases.Find(id);

    /// <summary>All lease ids, ascending.</summary>
    public IReadOnlyList<long> LeaseIds() => _leases.Ids();

    /// <summary>Decides what is waiting, closes the files and gives up the lock.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_queue.Writer.TryComplete())
            return;
        await _stopping.CancelAsync();
        await _loop;
        await _expiry;
        History.Close();
        _log.Dispose();
        _directory.Dispose();
        _stopping.Dispose();
    }

    private MvccOutcome EvaluateReads(MvccTransaction transaction)
    {
        var outcome = _reads.Evaluate(Current, transaction, out _, out _);
        var compacted = Current.CompactedRevision;
        var steps = outcome.Succeeded ? transaction.WhenTrue : transaction.WhenFalse;
        // As in Range: asked after walking.
        return steps.Any(step => step is MvccRead { Revision: > 0 } read && read.Revision < compacted)
            ? throw new MvccException(MvccError.Compacted)
            : outcome;
    }

    private async ValueTask<TResult> AskAsync<TResult>(
        Func<MvccWriter, TResult> evaluate, CancellationToken cancellationToken)
    {
        if (Failure is { } failure)
            throw new MvccException(MvccError.Failed, failure);
        var command = new MvccCommand<TResult>(evaluate);
        try
        {
            await _queue.Writer.WriteAsync(command, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new MvccException(MvccError.Stopped);
        }

        // Point of no return: the writer may already have decided, and it answers within one sync.
        return await command.Answer;
    }

    private async Task RunAsync()
    {
        var group = new List<MvccCommand>(MaxGroupCommands);
        while (await _queue.Reader.WaitToReadAsync())
        {
            group.Clear();
            RunGroup(group);
        }

        if (Failure is null && _isChanged)
            Close();
    }

    private void RunGroup(List<MvccCommand> group)
    {
        try
        {
            while (group.Count < MaxGroupCommands && _log.GroupSize < MaxGroupSize && _queue.Reader.TryRead(out var command))
            {
                group.Add(command);
                if (Failure is null)
                    command.Evaluate(_writer);
            }

            if (Failure is { } failure)
            {
                Answer(group, command => command.Fail(new MvccException(MvccError.Failed, failure)));
                return;
            }

            MakeDurable();
            Answer(group, static command => command.Complete());
            Maintain();
        }
        catch (Exception failure)
        {
            // Latched, never tried again: nothing is known about un-synced bytes (J5), and our own mistakes are no better.
            Volatile.Write(ref _failure, failure);
            Answer(group, command => command.Fail(new MvccException(MvccError.WriteFailed, failure)));
        }
    }

    private static void Answer(List<MvccCommand> group, Action<MvccCommand> answer)
    {
        foreach (var command in group)
            answer(command);
        group.Clear();
    }

    private void MakeDurable()
    {
        if (!_log.HasGroup)
            return;
        _log.MakeGroupDurable();
        _isChanged = true;
        // Readers first, then watchers: who hears of a revision can also read it.
        var compacted = Current.CompactedRevision;
        var state = _writer.State;
        Volatile.Write(ref _published, state);
        History.Publish(_writer.Unpublished);
        _writer.MarkPublished();
        if (state.CompactedRevision == compacted)
            return;
        History.Forget(state.CompactedRevision);
        state.CutHistory();
    }

    private void Maintain()
    {
        var state = _writer.State;
        var retained = _options.RetainedRevisions;
        var kept = state.Revision - Math.Max(state.CompactedRevision, MvccSnapshot.FirstRevision);
        // With some slack, so that the walk over all keys is paid once for many revisions.
        if (retained > 0 && kept > retained + (retained / 4))
        {
            _writer.Compact(state.Revision - retained);
            MakeDurable();
        }

        if (_log.Position < Math.Max(_options.CheckpointAfter, 2 * _checkpointSize))
            return;
        var header = new LogFileHeader(StoreId, _log.NextSequence - 1);
        _checkpointSize = Checkpoint.Write(_directory, header, _writer.State, History, _leases);
        _log.StartNewFile();
        _directory.DeleteSuperseded(header.Sequence, _log.FileSequence);
    }

    // Says that everything before it was durable, so that later damage is not taken for a torn tail.
    private void Close()
    {
        try
        {
            _log.Add(LogRecordKind.Closed, []);
            _log.MakeGroupDurable();
        }
        catch (IOException failure)
        {
            Volatile.Write(ref _failure, failure);
        }
    }

    private async Task ExpireLeasesAsync()
    {
        using var timer = new PeriodicTimer(_expiryInterval, _options.TimeProvider);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                foreach (var id in _leases.Expired())
                    await AskAsync(writer => writer.EndLease(id, onlyIfExpired: true), _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Closing.
        }
        catch (MvccException)
        {
            // Closing, or the latch tripped: no lease ends any more, which only delays a takeover (X9).
        }
    }
}
