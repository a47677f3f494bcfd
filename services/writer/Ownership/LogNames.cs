using System.Collections.Concurrent;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Writer.Ownership;

/// <summary>
/// Names of logs resolved to records, remembered for a moment: a wrong memory costs a refused transaction, nothing
/// else.
/// </summary>
/// <remarks>Threads: any. Bounded: the oldest answers are forgotten when there are too many.</remarks>
internal sealed class LogNames(LogTransactions logs, TimeProvider time)
{
    private const int MaxKept = 10_000;

    private static readonly TimeSpan _maxAge = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (LogRecord Log, long ReadAt)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _refreshing = new(StringComparer.Ordinal);

    /// <summary>The record that was read last, if it is young; no waiting.</summary>
    public LogRecord? FindKnown(string name) =>
        _known.TryGetValue(name, out var known) && time.GetElapsedTime(known.ReadAt) < _maxAge ? known.Log : null;

    /// <summary>The record that was read last, however old.</summary>
    public LogRecord? FindOld(string name) => _known.TryGetValue(name, out var known) ? known.Log : null;

    /// <summary>What this process remembers of a log that metadata may have forgotten (section 13).</summary>
    public LogRecord? FindById(LogId id) => _known.Values.Select(static k => k.Log).FirstOrDefault(log => log.Id == id);

    /// <summary>Reads the record again without anybody waiting; one read at a time for each name.</summary>
    public void Refresh(string name)
    {
        if (_refreshing.TryAdd(name, true))
            _ = RefreshAsync(name);
    }

    /// <summary>
    /// The log of the name. An old memory serves while the metadata store is away (section 13).
    /// </summary>
    /// <exception cref="WoodpeckerException">NotFound: there is none.</exception>
    public async ValueTask<LogRecord> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (FindKnown(name) is { } known)
            return known;
        if (!LogName.IsValid(name, out var problem))
            throw new WoodpeckerException(ErrorKind.Invalid, problem) { Reason = "LogName" };
        LogRecord? log;
        try
        {
            log = await logs.FindAsync(name, cancellationToken);
        }
        catch (MetadataException e) when (e.Kind == MetadataErrorKind.Unavailable && FindOld(name) is { } old)
        {
            _known[name] = (old, time.GetTimestamp());
            return old;
        }

        if (log is null)
        {
            Forget(name);
            throw new WoodpeckerException(ErrorKind.NotFound, $"There is no log '{name}'.") { Reason = "UnknownLog" };
        }

        if (_known.Count >= MaxKept)
            _known.Clear();
        _known[name] = (log, time.GetTimestamp());
        return log;
    }

    /// <summary>What was remembered is wrong.</summary>
    public void Forget(string name) => _known.TryRemove(name, out _);

    private async Task RefreshAsync(string name)
    {
        try
        {
            await FindAsync(name, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is not null)
        {
            // Forgotten if it is gone; otherwise the next append tries again.
        }
        finally
        {
            _refreshing.TryRemove(name, out _);
        }
    }
}
