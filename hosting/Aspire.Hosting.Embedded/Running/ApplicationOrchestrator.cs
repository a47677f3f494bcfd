using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>Takes the finished model through its life: allocate, start what can start, follow, stop in order.</summary>
internal sealed class ApplicationOrchestrator(RunServices run, DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext, EmbeddedHostOptions options,
    IEnumerable<IDistributedApplicationEventingSubscriber> subscribers, DashboardServer dashboard)
    : IHostedService, IAsyncDisposable
{
    /// <summary>
    /// Share of the remaining stop time that one level may use, so that a hung writer leaves time for the rest.
    /// </summary>
    private const double LevelShare = 0.5;

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _skipGrace = new();
    private readonly Dictionary<string, ProcessRunner> _runners = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Task> _starts = [];
    private int _stopped;
    private int _disposed;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException(
                "Aspire.Hosting.Embedded runs on Linux and macOS; on Windows build with -p:UseAspirePackages=true.");
        run.Logger.Starting();
        await dashboard.StartAsync(cancellationToken).ConfigureAwait(false);
        foreach (var subscriber in subscribers)
            await subscriber.SubscribeAsync(run.Eventing, executionContext, cancellationToken).ConfigureAwait(false);
        await run.Eventing.PublishAsync(new BeforeStartEvent(run.Services, model), cancellationToken)
            .ConfigureAwait(false);
        EndpointAllocator.Allocate(model.Resources, run.Logger);
        foreach (var resource in model.Resources)
            await AnnounceAsync(resource, cancellationToken).ConfigureAwait(false);
        foreach (var resource in model.Resources.ToArray())
            Begin(resource);
        await run.Eventing.PublishAsync(new AfterResourcesCreatedEvent(run.Services, model), cancellationToken)
            .ConfigureAwait(false);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        var start = run.Time.GetTimestamp();
        await _stopping.CancelAsync().ConfigureAwait(false);
        var killed = await StopLevelsAsync(cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(_starts).ConfigureAwait(false);
        await dashboard.StopAsync().ConfigureAwait(false);
        if (killed.Count > 0)
            run.Logger.Killed(killed.Count, string.Join(", ", killed));
        run.Logger.Stopped(run.Time.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>The user has no patience left: everything still running is killed at once.</summary>
    public void SkipGrace() => _skipGrace.Cancel();

    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceName, string command,
        CancellationToken cancellationToken)
    {
        if (!model.Resources.TryGetByName(resourceName, out var resource))
            return CommandResults.Failure($"There is no resource '{resourceName}'.");
        const string legacyPrefix = "resource-";
        var name = command.StartsWith(legacyPrefix, StringComparison.Ordinal) ? command[legacyPrefix.Length..]
            : command;
        var own = resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(a => a.Name == command);
        if (own is not null)
            return await RunOwnCommandAsync(resource, own, cancellationToken).ConfigureAwait(false);
        if (_stopping.IsCancellationRequested)
            return CommandResults.Failure("The application is stopping.");
        if (!_runners.TryGetValue(resource.Name, out var runner))
            return CommandResults.Failure($"Resource '{resource.Name}' has no command '{command}'.");
        switch (name)
        {
            case "start":
                return await runner.StartAsync(cancellationToken).ConfigureAwait(false);
            case "stop":
                return await StopOneAsync(runner).ConfigureAwait(false);
            case "restart":
                await StopOneAsync(runner).ConfigureAwait(false);
                return await runner.StartAsync(cancellationToken).ConfigureAwait(false);
            default:
                return CommandResults.Failure($"Resource '{resource.Name}' has no command '{command}'.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return; // Known to the container twice: as itself and as a hosted service.
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (var runner in _runners.Values)
            runner.Dispose();
        _stopping.Dispose();
        _skipGrace.Dispose();
    }

    private async Task AnnounceAsync(IResource resource, CancellationToken cancellationToken)
    {
        await run.UpdateAsync(resource, s => ResourceDescription.Describe(resource, s)).ConfigureAwait(false);
        await run.Eventing.PublishAsync(new InitializeResourceEvent(resource, run.Eventing, run.Logs, run.Notifications,
            run.Services), cancellationToken).ConfigureAwait(false);
        if (resource is IResourceWithEndpoints)
        {
            await run.Eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, run.Services),
                cancellationToken)
                .ConfigureAwait(false);
        }

        if (resource is IResourceWithConnectionString)
        {
            await run.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, run.Services),
                cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private void Begin(IResource resource)
    {
        if (resource is ProjectResource or ExecutableResource)
        {
            var runner = new ProcessRunner(resource, run);
            _runners.Add(resource.Name, runner);
            if (!resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
                _starts.Add(runner.StartAsync(_stopping.Token));
        }
        else if (resource is ParameterResource or ConnectionStringResource or IResourceWithConnectionString)
        {
            _starts.Add(RunValueAsync(resource, (IValueProvider)resource));
        }
    }

    /// <summary>
    /// A resource that is a value runs when the value is there, and is healthy when its checks say so.
    /// </summary>
    private async Task RunValueAsync(IResource resource, IValueProvider value)
    {
        try
        {
            if (await value.GetValueAsync(_stopping.Token).ConfigureAwait(false) is null)
                throw new DistributedApplicationException($"Resource '{resource.Name}' has no value.");
            await run.UpdateAsync(resource, s => s with
            {
                State = KnownResourceStates.Running,
                StartTimeStamp = run.Now
            })
                .ConfigureAwait(false);
            await run.Health.RunAsync(resource, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            run.Logs.GetLogger(resource).LogError("{Reason}", exception.Message);
            run.Logger.ResourceFailed(resource.Name, exception.Message);
            await run.UpdateAsync(resource, s => s with { State = KnownResourceStates.FailedToStart })
                .ConfigureAwait(false);
        }
    }

    private async Task<List<string>> StopLevelsAsync(CancellationToken cancellationToken)
    {
        var deadline = run.Time.GetUtcNow() + options.StopGrace;
        var levels = StopOrder.Levels(model.Resources.Where(r => _runners.ContainsKey(r.Name)));
        var killed = new List<string>();
        for (var i = 0; i < levels.Count; i++)
        {
            var left = deadline - run.Time.GetUtcNow();
            var share = i == levels.Count - 1 ? left : left * LevelShare;
            using var limit = new CancellationTokenSource(share > TimeSpan.Zero ? share : TimeSpan.Zero, run.Time);
            using var graceOver = CancellationTokenSource.CreateLinkedTokenSource(
                cancellationToken, _skipGrace.Token, limit.Token);
            var stops = levels[i].Select(async resource =>
                (resource.Name, Outcome: await _runners[resource.Name].StopAsync(graceOver.Token).ConfigureAwait(false)));
            var outcomes = await Task.WhenAll(stops).ConfigureAwait(false);
            killed.AddRange(outcomes.Where(static o => o.Outcome == StopOutcome.Killed).Select(static o => o.Name));
        }

        return killed;
    }

    private async Task<ExecuteCommandResult> StopOneAsync(ProcessRunner runner)
    {
        using var graceOver = new CancellationTokenSource(options.StopGrace, run.Time);
        return await runner.StopAsync(graceOver.Token).ConfigureAwait(false) switch
        {
            StopOutcome.Stopped => CommandResults.Success(),
            StopOutcome.Killed => CommandResults.Failure(
                $"Resource '{runner.Resource.Name}' did not stop in time and was killed."),
            _ => CommandResults.Failure($"Resource '{runner.Resource.Name}' is not running."),
        };
    }

    private async Task<ExecuteCommandResult> RunOwnCommandAsync(IResource resource, ResourceCommandAnnotation command,
        CancellationToken cancellationToken)
    {
        try
        {
            return await command.ExecuteCommand(new ExecuteCommandContext
            {
                Services = run.Services,
                ResourceName = resource.Name,
                CancellationToken = cancellationToken,
                Logger = run.Logs.GetLogger(resource),
            }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return CommandResults.Failure(exception);
        }
    }
}
