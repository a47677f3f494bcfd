using System.Collections.Concurrent;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Client.Embedded;

/// <summary>The writer sessions of an engine: one per log that was appended to, opened when needed.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class EmbeddedLogs(EngineParts parts) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<LogId, OpenLog> _logs = new();

    /// <summary>A session that takes appends.</summary>
    /// <exception cref="WoodpeckerException">NotFound, Unavailable, Invalid.</exception>
    public async ValueTask<WriterSession> GetAsync(string name, CancellationToken cancellationToken)
    {
        var id = await parts.Catalog.FindAsync(name, cancellationToken).ConfigureAwait(false) ?? throw UnknownLog(name);
        var log = _logs.GetOrAdd(id, static _ => new OpenLog());
        if (log.Session is { IsOpen: true } open)
            return open;
        await log.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (log.Session is { IsOpen: true } session)
                return session;
            var record = await parts.Logs.FindAsync(id, cancellationToken).ConfigureAwait(false)
                ?? throw UnknownLog(name);
            log.Session = await parts.OpenSessionAsync(record, cancellationToken).ConfigureAwait(false);
            return log.Session;
        }
        finally
        {
            log.Gate.Release();
        }
    }

    /// <summary>Hands a batch to the log's session.</summary>
    /// <param name="name">The log.</param>
    /// <param name="batch">Borrowed until the answer.</param>
    /// <param name="cancellationToken">Counts until the session has the batch.</param>
    /// <returns>The answer under way; awaited once.</returns>
    public async ValueTask<Task<AppendResult>> SubmitAsync(
        string name, AppendBatch batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = await GetAsync(name, cancellationToken).ConfigureAwait(false);
            // False: the session ended between the two steps, and the next one takes the batch.
            if (session.TryAppend(batch, CancellationToken.None, out var answer))
                return answer.AsTask();
        }
    }

    /// <summary>End of what is confirmed, if this engine owns the log.</summary>
    public Offset? FindConfirmedEnd(LogId log) =>
        _logs.TryGetValue(log, out var known) && known.Session is { IsOpen: true } session
            ? session.ConfirmedEnd
            : null;

    /// <summary>Ends the session of a deleted log at once.</summary>
    public async ValueTask DropAsync(LogRecord log)
    {
        if (_logs.TryGetValue(log.Id, out var known) && known.Session is { } session)
            await session.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Seals and gives back every log.</summary>
    public async ValueTask DisposeAsync()
    {
        var closing = new List<Task>();
        foreach (var log in _logs.Values)
        {
            if (log.Session is { } session)
                closing.Add(session.CloseAsync(CancellationToken.None));
        }

        await Task.WhenAll(closing).ConfigureAwait(false);
    }

    internal static WoodpeckerException UnknownLog(string name) =>
        new(ErrorKind.NotFound, $"There is no log '{name}'.") { Reason = "UnknownLog" };

    private sealed class OpenLog
    {
        private volatile WriterSession? _session;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public WriterSession? Session
        {
            get => _session;
            set => _session = value;
        }
    }
}
