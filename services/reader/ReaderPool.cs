using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Woodpecker.Services;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Reader;

/// <summary>
/// Gives each request a reader of its log, and refuses more requests than the process has memory for.
/// </summary>
internal sealed class ReaderPool(
    LogCatalog catalog,
    ReadSources sources,
    LogReaderOptions readerOptions,
    IOptions<ReaderOptions> options,
    TimeProvider time)
{
    private readonly ConcurrentDictionary<ReaderLease, bool> _open = new();
    private int _active;

    /// <summary>Requests being served.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>A reader of the named log; the lease ends with the request.</summary>
    /// <exception cref="WoodpeckerException">Invalid name, NotFound, or Unavailable.</exception>
    public async ValueTask<ReaderLease> OpenAsync(string name, CancellationToken cancellationToken)
    {
        Problems.CheckLogName(name);
        if (Interlocked.Increment(ref _active) > options.Value.MaxReaders)
        {
            Release();
            throw new WoodpeckerException(ErrorKind.Unavailable, "This reader serves as many requests as it may.")
            {
                Reason = "TooManyReaders",
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }

        try
        {
            var log = await catalog.FindAsync(name, cancellationToken) ?? throw Problems.UnknownLog(name);
            var lease = new ReaderLease(this, name, new LogReader(log, catalog, sources, readerOptions, time));
            _open[lease] = true;
            return lease;
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Of each log that is read behind its visible end: the smallest offset that may still be asked for (V8).</summary>
    public Dictionary<LogId, Offset> SmallestOffsets()
    {
        var smallest = new Dictionary<LogId, Offset>();
        foreach (var (lease, _) in _open)
        {
            var reader = lease.Reader;
            if (reader.Position is not { } at || at >= reader.VisibleEnd)
                continue;
            if (!smallest.TryGetValue(reader.Log, out var known) || at < known)
                smallest[reader.Log] = at;
        }

        return smallest;
    }

    internal void Release(ReaderLease lease)
    {
        _open.TryRemove(lease, out _);
        Release();
    }

    private void Release() => Interlocked.Decrement(ref _active);
}

/// <summary>A reader in use by one request.</summary>
internal sealed class ReaderLease(ReaderPool pool, string name, LogReader reader) : IDisposable
{
    private int _disposed;

    public string Name { get; } = name;

    public LogReader Reader { get; } = reader;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            pool.Release(this);
    }
}
