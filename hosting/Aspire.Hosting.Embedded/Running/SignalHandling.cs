using System.Runtime.InteropServices;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>
/// The host's lifetime: SIGINT, SIGTERM and SIGHUP stop the application in order, and so does the loss of the
/// <c>dotnet run</c> that started it. A second Ctrl-C skips the grace.
/// </summary>
internal sealed class SignalHandling(IHostApplicationLifetime lifetime, ApplicationOrchestrator orchestrator,
    EmbeddedHostOptions options, ILogger<DistributedApplication> logger, TimeProvider time) : IHostLifetime, IDisposable
{
    /// <summary>
    /// Signals closer together are one: a terminal and a parent process may both pass the same Ctrl-C on.
    /// </summary>
    private static readonly TimeSpan SameSignal = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly CancellationTokenSource _disposed = new();
    private long? _firstSignal;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        if (options.IsTesting)
            return Task.CompletedTask; // Signals belong to the test runner.
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP,
            PosixSignal.SIGQUIT])
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        _ = StopWithParentAsync();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _disposed.Cancel();
        _disposed.Dispose();
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true; // The stop below ends the process, with its exit code.
        lock (_gate)
        {
            if (_firstSignal is { } first)
            {
                if (context.Signal == PosixSignal.SIGINT && time.GetElapsedTime(first) > SameSignal)
                    orchestrator.SkipGrace();
                return;
            }

            _firstSignal = time.GetTimestamp();
        }

        logger.Stopping(context.Signal.ToString());
        lifetime.StopApplication();
    }

    private async Task StopWithParentAsync()
    {
        try
        {
            await ParentWatch.WaitForLossAsync(time, _disposed.Token).ConfigureAwait(false);
            logger.Stopping("the dotnet process that started this one is gone");
            lifetime.StopApplication();
        }
        catch (OperationCanceledException)
        {
        }
    }
}
