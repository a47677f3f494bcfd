using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// The readers' cache of metadata: names to ids, ids to snapshots, one watch for all logs. A watch event only says
/// "look again" (X5); without the watch readers still look again whenever a source sends them back (V6).
/// </summary>
/// <remarks>Threads: any. Errors: <see cref="WoodpeckerException"/> Unavailable or Corrupt.</remarks>
public sealed partial class LogCatalog : IAsyncDisposable
{
    /// <summary>Logs that are remembered; beyond it those not asked for lately are forgotten.</summary>
    public const int MaxLogs = 10_000;

    private const int MaxStaleReads = 5;

    private static readonly TimeSpan _watchPause = TimeSpan.FromMilliseconds(200);

    private readonly IMetadataStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger<LogCatalog> _logger;
    private readonly ConcurrentDictionary<LogId, CachedLog> _logs = new();
    private readonly ConcurrentDictionary<string, LogId> _names = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly ClusterGuard? _guard;
    private readonly RevisionMemory _seen;
    private readonly Task _watching;

    private LogCatalog(IMetadataStore store, TimeProvider time, ILogger<LogCatalog> logger, ClusterGuard? guard)
    {
        _guard = guard;
        _seen = guard?.Revisions ?? new RevisionMemory();
        _store = store;
        _time = time;
        _logger = logger;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Starts the cache and its watch.</summary>
    /// <param name="store">Metadata.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of a broken watch.</param>
    /// <param name="guard">What the process knows of safe mode, in which older answers are all there is (section 13).</param>
    public static LogCatalog Start(IMetadataStore store, TimeProvider time, ILogger<LogCatalog> logger, ClusterGuard? guard = null) =>
        new(store, time, logger, guard);

    /// <summary>The id under a name; null if there is no such log.</summary>
    public async ValueTask<LogId?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (_names.TryGetValue(name, out var known))
        {
            var snapshot = await GetAsync(known, cancellationToken);
            if (!snapshot.View.IsDeleted)
                return known;
            // D5: the name may belong to another log by now.
            _names.TryRemove(new KeyValuePair<string, LogId>(name, known));
        }

        var entry = await Guard(_store.GetAsync(MetadataKeys.Name(name), cancellationToken));
        if (entry is null)
            return _guard?.Problem is { } problem ? throw Translate(Forgotten(problem)) : null;
        var id = Decode(() => MetadataJson.Read<NameValue>(entry)).LogId;
        if (_names.Count < MaxLogs)
            _names[name] = id;
        return id;
    }

    /// <summary>The log as known: from the cache unless a watch event told that it changed.</summary>
    public ValueTask<LogSnapshot> GetAsync(LogId log, CancellationToken cancellationToken)
    {
        var cached = Cached(log);
        return cached.Current is { } snapshot ? ValueTask.FromResult(snapshot) : RefreshAsync(log, cancellationToken);
    }

    /// <summary>The log by a read that begins after this call.</summary>
    public async ValueTask<LogSnapshot> RefreshAsync(LogId log, CancellationToken cancellationToken)
    {
        var cached = Cached(log);
        try
        {
            return await cached.RefreshAsync(() => ReadAsync(log), cancellationToken);
        }
        catch (MetadataException e)
        {
            throw Translate(e);
        }
    }

    /// <summary>
    /// The log with everything that was committed before this call. A read alone may be stale (X1): a transaction with a put
    /// passes consensus first, and an older answer is not taken. For verdicts that a stale read must not cause.
    /// </summary>
    public async ValueTask<LogSnapshot> EstablishAsync(LogId log, CancellationToken cancellationToken)
    {
        // Refused if the log is gone; that passes consensus too. Whose mark it is nobody asks, so it needs no nonce (X6).
        var transaction = new MetadataTransaction()
            .WhenPresent(MetadataKeys.Meta(log))
            .Put(MetadataKeys.TailMark(log), MetadataJson.Write(new MarkValue()));
        var seen = _seen.Highest;
        var commit = await Guard(_store.CommitAsync(transaction, cancellationToken));
        // Section 13: an answer that is not above what was seen before proves that metadata went back.
        if (_guard is { } guard)
            guard.Take(seen, transaction, commit);
        else
            _seen.Remember(commit.Revision);
        return await RefreshAsync(log, cancellationToken);
    }

    /// <summary>
    /// Completes when a watch event tells that the log changed after <paramref name="seen"/> was read.
    /// </summary>
    public Task WaitForChangeAsync(LogSnapshot seen)
    {
        ArgumentNullException.ThrowIfNull(seen);
        return Cached(seen.View.Log).WhenChangedAfter(seen);
    }

    /// <summary>Ends the watch; readers that wait for changes stay waiting until they are cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    // X1: a read may be older than what this process was told before, and no later event would tell of the difference.
    // Such an answer is not taken: the visible end would go back (INV-7), a log that was created seem unknown.
    private async ValueTask<LogSnapshot> ReadAsync(LogId log)
    {
        for (var attempt = 1; ; attempt++)
        {
            var seen = _seen.Highest;
            var snapshot = await LogSnapshot.ReadAsync(_store, log, _stop.Token);
            // Section 13: metadata went back, and reads go on by what it still knows. What it does not know is not deleted.
            if (_guard?.Problem is { } problem)
                return snapshot.Meta is null ? throw Forgotten(problem) : snapshot;
            if (snapshot.View.Revision >= seen)
            {
                _seen.Remember(snapshot.View.Revision);
                return snapshot;
            }

            if (attempt == MaxStaleReads)
            {
                throw new MetadataException(
                    MetadataErrorKind.Unavailable,
                    $"it answers as of revision {snapshot.View.Revision}, and was at {seen} before.");
            }
        }
    }

    private CachedLog Cached(LogId log)
    {
        if (_logs.TryGetValue(log, out var cached))
            return cached;
        if (_logs.Count >= MaxLogs)
            ForgetSome();
        return _logs.GetOrAdd(log, static _ => new CachedLog());
    }

    // A forgotten log costs its readers one more metadata read; waiters of it are woken to notice.
    private void ForgetSome()
    {
        foreach (var log in _logs.Keys.Take(MaxLogs / 10))
        {
            if (_logs.TryRemove(log, out var cached))
                cached.Invalidate();
        }
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (MetadataException e)
            {
                WatchBroke(e.Kind, e.Message);
            }

            InvalidateAll();
            await Task.Delay(_watchPause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        // The revision of any read will do: what changed before it is invalidated as a whole.
        var start = await _store.ListAsync(MetadataKeys.LivePrefix, cancellationToken);
        _seen.Remember(start.Revision);
        InvalidateAll();
        await foreach (var change in _store.WatchAsync(MetadataKeys.LogsPrefix, start.Revision, cancellationToken))
        {
            _seen.Remember(change.Revision);
            if (MetadataKeys.TryParseLog(change.Key, MetadataKeys.LogsPrefix, out var log)
                && _logs.TryGetValue(log, out var cached))
            {
                cached.Invalidate();
            }
        }
    }

    private void InvalidateAll()
    {
        foreach (var cached in _logs.Values)
            cached.Invalidate();
    }

    private static async ValueTask<T> Guard<T>(ValueTask<T> call)
    {
        try
        {
            return await call;
        }
        catch (MetadataException e)
        {
            throw Translate(e);
        }
    }

    private static T Decode<T>(Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (MetadataException e)
        {
            throw Translate(e);
        }
    }

    private static MetadataException Forgotten(string problem) => new(MetadataErrorKind.SafeMode, ClusterGuard.Explain(problem));

    private static WoodpeckerException Translate(MetadataException e) => e.Kind switch
    {
        MetadataErrorKind.Corrupt => new WoodpeckerException(ErrorKind.Corrupt, e.Message, e),
        MetadataErrorKind.SafeMode => new WoodpeckerException(ErrorKind.Unavailable, e.Message, e) { Reason = ClusterGuard.Reason },
        _ => new WoodpeckerException(ErrorKind.Unavailable, $"The metadata store does not answer: {e.Message}", e)
        {
            Reason = "MetadataUnavailable",
        },
    };

    [LoggerMessage(2001, LogLevel.Warning, "The watch of log metadata broke ({Kind}): {Problem}; starting it again")]
    private partial void WatchBroke(MetadataErrorKind kind, string problem);
}
