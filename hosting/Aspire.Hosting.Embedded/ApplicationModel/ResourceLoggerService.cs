using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Aspire.Hosting.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// The output of every resource: the last lines in memory, live to watchers, and to sinks of the host.
/// </summary>
public class ResourceLoggerService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceLog> _logs = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Action<string, LogLine>> _sinks = [];

    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetLogger(resource.Name);
    }

    public ILogger GetLogger(string resourceName) => new ResourceLogger(this, resourceName);

    /// <summary>The lines in memory; ends there.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetAllAsync(resource.Name);
    }

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield return Log(resourceName).Tail();
    }

    /// <summary>The lines in memory, then new ones until cancelled.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return WatchAsync(resource.Name);
    }

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => WatchCoreAsync(resourceName);

    public void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Adds a sink; called while the application is being put together, before any line.</summary>
    internal void AddSink(Action<string, LogLine> sink) => _sinks.Add(sink);

    internal void Append(string resourceName, string content, bool isErrorMessage)
    {
        var line = Log(resourceName).Append(AnsiText.Strip(content), isErrorMessage);
        foreach (var sink in _sinks)
            sink(resourceName, line);
    }

    internal IReadOnlyList<LogLine> Tail(string resourceName, int count) => Log(resourceName).Tail(count);

    private ResourceLog Log(string resourceName) => _logs.GetOrAdd(resourceName, static _ => new ResourceLog());

    private async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchCoreAsync(string resourceName,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var subscription = Log(resourceName).Subscribe(out var backlog);
        if (backlog.Count > 0)
            yield return backlog;
        while (await subscription.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var batch = new List<LogLine>();
            while (batch.Count < ResourceLog.Capacity && subscription.Reader.TryRead(out var line))
                batch.Add(line);
            yield return batch;
        }
    }
}
