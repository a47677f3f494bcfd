using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// Holds the newest snapshot of every resource and tells watchers and waiters of each change. Waiters look at every
/// snapshot, so a state that lasts a moment is never missed; watchers have a bounded queue that drops the oldest.
/// </summary>
public class ResourceNotificationService : IDisposable
{
    private const int WatcherCapacity = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> _watchers = [];
    private readonly List<Waiter> _waiters = [];
    private readonly CancellationTokenSource _disposed = new();
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ResourceLoggerService _logs;
    private readonly TimeProvider _time;
    private readonly WaitBehavior _defaultWaitBehavior;
    private int _isDisposed;

    internal ResourceNotificationService(IHostApplicationLifetime lifetime, ResourceLoggerService logs,
        TimeProvider time, IOptions<ResourceNotificationServiceOptions> options)
    {
        _lifetime = lifetime;
        _logs = logs;
        _time = time;
        _defaultWaitBehavior = options.Value.DefaultWaitBehavior;
    }

    public Task PublishUpdateAsync(IResource resource,
        Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return PublishUpdateAsync(resource, resource.Name, stateFactory);
    }

    /// <summary>
    /// Replaces the snapshot of a resource. <paramref name="stateFactory"/> runs under a lock: it only computes.
    /// </summary>
    public Task PublishUpdateAsync(IResource resource, string resourceId,
        Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(stateFactory);
        lock (_gate)
        {
            var previous = _current.TryGetValue(resourceId, out var known) ? known.Snapshot : Initial(resource);
            var update = new ResourceEvent(resource, resourceId, stateFactory(previous));
            _current[resourceId] = update;
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(update);
            _waiters.RemoveAll(waiter => waiter.TryComplete(update));
        }

        return Task.CompletedTask;
    }

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_gate)
            return _current.TryGetValue(resourceId, out resourceEvent);
    }

    /// <summary>The newest snapshot of every resource, then every change.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        var channel = Channel.CreateBounded<ResourceEvent>(
            new BoundedChannelOptions(WatcherCapacity)
            {
                FullMode = BoundedChannelFullMode.DropOldest,
                SingleReader = true
            });
        lock (_gate)
        {
            foreach (var update in _current.Values)
                channel.Writer.TryWrite(update);
            _watchers.Add(channel);
        }

        try
        {
            await foreach (var update in channel.Reader.ReadAllAsync(linked.Token).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            lock (_gate)
                _watchers.Remove(channel);
        }
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null,
        CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates,
        CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToArray();
        var update = await WaitForResourceAsync(resourceName, e => states.Contains(e.Snapshot.State?.Text),
            cancellationToken)
            .ConfigureAwait(false);
        return update.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(resourceName);
        ArgumentNullException.ThrowIfNull(predicate);
        var waiter = new Waiter(resourceName, predicate);
        lock (_gate)
        {
            if (!_current.Values.Any(waiter.TryComplete))
                _waiters.Add(waiter);
        }

        using var linked = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, _lifetime.ApplicationStopping, _disposed.Token);
        try
        {
            return await waiter.Task.WaitAsync(linked.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _waiters.Remove(waiter);
        }
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName,
        CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, _defaultWaitBehavior, cancellationToken);

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, WaitBehavior waitBehavior,
        CancellationToken cancellationToken = default)
    {
        var update = await WaitForResourceAsync(resourceName, e => IsReady(e) || GivesUp(e, waitBehavior),
            cancellationToken)
            .ConfigureAwait(false);
        return IsReady(update)
            ? update
            : throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it {Describe(update.Snapshot)}.");
    }

    /// <summary>
    /// Completes when everything <paramref name="resource"/> waits for is there; throws when that cannot happen.
    /// </summary>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(resource);
        using var firstFailure = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var waits = resource.Waits().Select(wait => WaitAsync(resource, wait, firstFailure.Token)).ToArray();
        try
        {
            await foreach (var done in Task.WhenEach(waits).ConfigureAwait(false))
                await done.ConfigureAwait(false);
        }
        finally
        {
            await firstFailure.CancelAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        _disposed.Cancel();
        _disposed.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task WaitAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var name = wait.Resource.Name;
        if (ReferenceEquals(wait.Resource, resource))
            throw new DistributedApplicationException($"The resource '{name}' cannot wait for itself.");
        var behavior = wait.WaitBehavior ?? _defaultWaitBehavior;
        Func<ResourceEvent, bool> arrived = wait.WaitType switch
        {
            WaitType.WaitUntilHealthy => IsReady,
            WaitType.WaitUntilStarted => e => e.Snapshot.State?.Text == KnownResourceStates.Running,
            _ => e => KnownResourceStates.IsTerminal(e.Snapshot.State?.Text),
        };
        LogTo(resource, $"Waiting for resource '{name}' ({Purpose(wait.WaitType)}).");
        var update = await WaitForResourceAsync(name, e => arrived(e) || GivesUp(e, behavior), cancellationToken)
            .ConfigureAwait(false);
        var snapshot = update.Snapshot;
        if (wait.WaitType == WaitType.WaitForCompletion)
        {
            if (snapshot.State?.Text == KnownResourceStates.FailedToStart || snapshot.ExitCode != wait.ExitCode)
            {
                throw new DistributedApplicationException($"Resource '{name}' {Describe(snapshot)}, "
                    + $"but '{resource.Name}' waits for it to complete with exit code {wait.ExitCode}.");
            }
        }
        else if (!arrived(update))
        {
            throw new DistributedApplicationException($"Dependency resource '{name}' {Describe(snapshot)}.");
        }

        LogTo(resource, $"Finished waiting for resource '{name}'.");
    }

    private static bool IsReady(ResourceEvent update) =>
        update.Snapshot is { HealthStatus: HealthStatus.Healthy, IsReady: true };

    private static bool GivesUp(ResourceEvent update, WaitBehavior behavior) =>
        behavior == WaitBehavior.StopOnResourceUnavailable
            && KnownResourceStates.IsUnavailable(update.Snapshot.State?.Text);

    private static string Describe(CustomResourceSnapshot snapshot) => snapshot.State?.Text switch
    {
        "FailedToStart" => "failed to start",
        "RuntimeUnhealthy" => "has an unhealthy runtime",
        var state => snapshot.ExitCode is { } code ? $"is {state} with exit code {code}" : $"is {state}",
    };

    private static string Purpose(WaitType type) => type switch
    {
        WaitType.WaitUntilHealthy => "until healthy",
        WaitType.WaitUntilStarted => "until started",
        _ => "until completed",
    };

    private void LogTo(IResource resource, string line) => _logs.Append(resource.Name, line, isErrorMessage: false);

    private CustomResourceSnapshot Initial(IResource resource) =>
        resource.TryGetLastAnnotation<InitialSnapshotAnnotation>(out var initial)
            ? initial.Snapshot
            : new CustomResourceSnapshot
            {
                ResourceType = resource.GetType().Name.Replace("Resource", "", StringComparison.Ordinal),
                Properties = [],
                CreationTimeStamp = _time.GetUtcNow().UtcDateTime,
                State = KnownResourceStates.NotStarted,
            };

    private sealed class Waiter(string resourceName, Func<ResourceEvent, bool> predicate)
    {
        private readonly TaskCompletionSource<ResourceEvent> _source =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ResourceEvent> Task => _source.Task;

        public bool TryComplete(ResourceEvent update)
        {
            if (!string.Equals(update.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase))
                return false;
            try
            {
                return predicate(update) && _source.TrySetResult(update);
            }
            catch (Exception exception)
            {
                return _source.TrySetException(exception); // A broken predicate fails its own wait, nobody else's.
            }
        }
    }
}
