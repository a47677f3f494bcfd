using Microsoft.Extensions.Diagnostics.HealthChecks;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Services;

/// <summary>
/// Keeps this process informed of safe mode: reads the cluster key once a period, and writes down what this process noticed
/// until metadata has taken it (section 13). What stops a transaction is its compare with the cluster key, not this.
/// </summary>
internal sealed partial class ClusterWatch(
    TransactionRunner runner, SafeModeTransactions safeMode, IHostEnvironment environment, IConfiguration configuration,
    ILogger<ClusterWatch> logger) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly string _name = configuration["Woodpecker:NodeId"] ?? environment.ApplicationName;
    private bool _wasSafe;

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(runner.Guard.Problem is { } problem
            ? HealthCheckResult.Degraded(ClusterGuard.Explain(problem)) : HealthCheckResult.Healthy());

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        runner.Guard.Changed += Wake;
        try
        {
            await LookAsync(stoppingToken);
        }
        finally
        {
            runner.Guard.Changed -= Wake;
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var pause = _period;
            try
            {
                await LookOnceAsync(cancellationToken);
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                pause = runner.Guard.Unrecorded is null ? _period : _retry;
                if (known.Reason == "WrongCluster")
                    WrongCluster(known.Message);
            }

            Tell();
            await WaitAsync(pause, cancellationToken);
        }
    }

    private async ValueTask LookOnceAsync(CancellationToken cancellationToken)
    {
        var cluster = await safeMode.ReadAsync(cancellationToken);
        if (runner.Guard.ClusterId is not { } id)
            return;
        var suspicion = runner.Guard.Unrecorded;
        // What existed once does not vanish by itself: the store was emptied, if a transaction finds the same.
        if (cluster is null && suspicion is null && runner.Guard.ClusterRevision != 0)
        {
            await ConfirmAsync(cancellationToken);
            suspicion = runner.Guard.Unrecorded;
        }

        if (suspicion is not null || cluster?.Value.SafeMode == true)
            await safeMode.EnterAsync(id, _name, suspicion, cancellationToken);
    }

    private async ValueTask ConfirmAsync(CancellationToken cancellationToken)
    {
        try
        {
            await runner.ConfirmAsync(cancellationToken);
        }
        catch (MetadataException e) when (e.Kind == MetadataErrorKind.SafeMode)
        {
            // That is what was asked.
        }
    }

    private async ValueTask WaitAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(pause, runner.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await _wake.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A period is over.
        }
    }

    private void Tell()
    {
        var problem = runner.Guard.Problem;
        if (problem is not null && !_wasSafe)
            Entered(problem);
        if (problem is null && _wasSafe)
            Left();
        _wasSafe = problem is not null;
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
    }

    [LoggerMessage(3401, LogLevel.Critical, "SAFE MODE: metadata went back to an older state: {Proof}. 'wp cluster status' tells more")]
    private partial void Entered(string proof);

    [LoggerMessage(3402, LogLevel.Warning, "Safe mode is over: the restore was accepted")]
    private partial void Left();

    [LoggerMessage(3403, LogLevel.Critical, "{Problem}")]
    private partial void WrongCluster(string problem);
}
