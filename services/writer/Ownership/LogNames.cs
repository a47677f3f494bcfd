using System.Collections.Concurrent;
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

    /// <summary>The record that was read last, if it is young; no waiting.</summary>
    public LogRecord? FindKnown(string name) =>
        _known.TryGetValue(name, out var known) && time.GetElapsedTime(known.ReadAt) < _maxAge ? known.Log : null;

    /// <summary>The log of the name.</summary>
    /// <exception cref="WoodpeckerException">NotFound: there is none.</exception>
    public async ValueTask<LogRecord> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (FindKnown(name) is { } known)
            return known;
        if (!LogName.IsValid(name, out var problem))
            throw new WoodpeckerException(ErrorKind.Invalid, problem) { Reason = "LogName" };
        var log = await logs.FindAsync(name, cancellationToken);
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
}
