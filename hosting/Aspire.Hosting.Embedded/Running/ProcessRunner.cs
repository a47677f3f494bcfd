using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>
/// Runs the process of one resource: waits, starts, watches, stops. Commands come one at a time (<see
/// cref="_commands"/>); an end that nobody asked for is reported by the watcher of that process.
/// </summary>
internal sealed class ProcessRunner(IResource resource, RunServices run) : IDisposable
{
    private readonly SemaphoreSlim _commands = new(1, 1);
    private readonly CancellationTokenSource _disposed = new();
    private readonly ILogger _log = run.Logs.GetLogger(resource);
    private readonly Lock _gate = new();

    private CancellationTokenSource? _pendingStart;
    private Task<ExecuteCommandResult>? _start;
    private ChildProcess? _process;
    private Task? _watch;
    private bool _isStopping;
    private int _starts;

    public IResource Resource => resource;

    /// <summary>
    /// Waits for the dependencies and starts the process; returns when it is started or has failed to.
    /// </summary>
    public async Task<ExecuteCommandResult> StartAsync(CancellationToken cancellationToken)
    {
        Task<ExecuteCommandResult> start;
        lock (_gate)
        {
            if (_process is not null || _pendingStart is not null)
                return CommandResults.Failure($"Resource '{resource.Name}' is already started.");
            _pendingStart = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
            start = _start = StartCoreAsync(_pendingStart.Token);
        }

        try
        {
            // The caller's patience ends its waiting; the start itself goes on, as it does with a start at application
            // start.
            return await start.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return CommandResults.Canceled();
        }
    }

    /// <summary>Asks the process to end; kills it when <paramref name="graceOver"/> fires first.</summary>
    public async Task<StopOutcome> StopAsync(CancellationToken graceOver)
    {
        await _commands.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var cancelled = await CancelStartAsync().ConfigureAwait(false);
            ChildProcess? process;
            Task? watch;
            lock (_gate)
            {
                process = _process;
                watch = _watch;
                _isStopping = process is not null;
            }

            if (process is null || watch is null)
                return cancelled ? StopOutcome.Stopped : StopOutcome.NotRunning;

            await run.UpdateAsync(resource, s => s with { State = KnownResourceStates.Stopping }).ConfigureAwait(false);
            process.Terminate();
            var killed = await EndAsync(process, graceOver).ConfigureAwait(false);
            await watch.ConfigureAwait(false);
            return killed ? StopOutcome.Killed : StopOutcome.Stopped;
        }
        finally
        {
            _commands.Release();
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        _process?.Dispose(); // Null after an orderly stop.
        _pendingStart?.Dispose();
        _disposed.Dispose();
        _commands.Dispose();
    }

    private async Task<ExecuteCommandResult> StartCoreAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (resource.Waits().Any())
                await SetStateAsync(KnownResourceStates.Waiting).ConfigureAwait(false);
            else
                await SetStateAsync(KnownResourceStates.Starting).ConfigureAwait(false);
            await Task.Yield(); // Everybody who looks after the command has begun sees the new state.
            await run.Notifications.WaitForDependenciesAsync(resource, cancellationToken).ConfigureAwait(false);
            await run.Eventing.PublishAsync(new BeforeResourceStartedEvent(resource, run.Services), cancellationToken)
                .ConfigureAwait(false);
            await SetStateAsync(KnownResourceStates.Starting).ConfigureAwait(false);
            var spec = await run.Launch.CreateAsync(resource, _log, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await LaunchAsync(spec).ConfigureAwait(false);
            return CommandResults.Success();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            EndPendingStart();
            await SetStateAsync(KnownResourceStates.Exited).ConfigureAwait(false);
            return CommandResults.Canceled();
        }
        catch (Exception exception)
        {
            // Whatever a callback or the system threw: it is this resource's failure, told in its log and its state.
            EndPendingStart();
            _log.LogError("{Reason}", exception.Message);
            run.Logger.ResourceFailed(resource.Name, exception.Message);
            await SetStateAsync(KnownResourceStates.FailedToStart).ConfigureAwait(false);
            return CommandResults.Failure(exception);
        }
    }

    private async Task LaunchAsync(ProcessSpec spec)
    {
        var process = run.Processes.Start(resource.Name, spec, (line, isError) =>
            run.Logs.Append(resource.Name, line, isError));
        var restarts = _starts++;
        await run.UpdateAsync(resource, s => (s with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = run.Now,
            StopTimeStamp = null,
            ExitCode = null,
            IsReady = false,
            HealthReports = PendingReports(),
        }).WithProperty(KnownProperties.Pid, process.Pid).WithProperty(KnownProperties.Path, spec.FileName)
            .WithProperty(KnownProperties.Arguments, spec.Arguments)
                .WithProperty(KnownProperties.WorkingDirectory, spec.WorkingDirectory)
            .WithProperty(KnownProperties.Restarts, restarts)).ConfigureAwait(false);
        lock (_gate)
        {
            _process = process;
            _isStopping = false;
            _pendingStart?.Dispose();
            _pendingStart = null;
            _watch = WatchAsync(process);
        }
    }

    private ImmutableArray<HealthReportSnapshot> PendingReports() =>
        [.. resource.Annotations.OfType<HealthCheckAnnotation>()
            .Select(a => new HealthReportSnapshot(a.Key, null, null, null))];

    /// <summary>Follows one process to its end, with its health beside it.</summary>
    private async Task WatchAsync(ChildProcess process)
    {
        using var ended = new CancellationTokenSource();
        var health = MonitorHealthAsync(ended.Token);
        var exitCode = await process.Exited.ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await health.ConfigureAwait(false);
        process.Kill(); // What the process left behind in its group.
        run.Processes.Ended(resource.Name, process);
        bool asked;
        lock (_gate)
        {
            asked = _isStopping;
            _process = null;
            _watch = null;
        }

        process.Dispose();
        await run.UpdateAsync(resource, s => (s with
        {
            State = asked ? KnownResourceStates.Exited : KnownResourceStates.Finished,
            ExitCode = exitCode,
            StopTimeStamp = run.Now,
            IsReady = false,
            HealthReports = [],
        }).WithProperty(KnownProperties.Pid, null)).ConfigureAwait(false);
        if (run.Notifications.TryGetCurrentState(resource.Name, out var last))
        {
            try
            {
                await run.Eventing.PublishAsync(new ResourceStoppedEvent(resource, run.Services, last),
                    CancellationToken.None)
                    .ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _log.LogError("A handler of ResourceStoppedEvent failed: {Reason}", exception.Message);
            }
        }
    }

    private async Task MonitorHealthAsync(CancellationToken cancellationToken)
    {
        try
        {
            await run.Health.RunAsync(resource, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            _log.LogError("Health monitoring ended: {Reason}", exception.Message);
        }
    }

    private static async Task<bool> EndAsync(ChildProcess process, CancellationToken graceOver)
    {
        try
        {
            await process.Exited.WaitAsync(graceOver).ConfigureAwait(false);
            return false;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.Exited.ConfigureAwait(false);
            return true;
        }
    }

    /// <summary>
    /// Ends a start that is still waiting; true if there was one. Afterwards the process is there or is not.
    /// </summary>
    private async Task<bool> CancelStartAsync()
    {
        Task<ExecuteCommandResult>? start;
        lock (_gate)
        {
            start = _pendingStart is null ? null : _start;
            _pendingStart?.Cancel();
        }

        if (start is not null)
            await start.ConfigureAwait(false);
        return start is not null;
    }

    private void EndPendingStart()
    {
        lock (_gate)
        {
            _pendingStart?.Dispose();
            _pendingStart = null;
        }
    }

    private Task SetStateAsync(string state) => run.UpdateAsync(resource, s => s with { State = state });
}
