using Microsoft.Extensions.Options;
using Woodpecker.Replica.Uploading;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Replica.Care;

/// <summary>
/// Looks at metadata whenever a segment changed there (a watch is only a hint, X5) and at least once a period, and gives each
/// log of which copies are held to <see cref="CopyCare"/>.
/// </summary>
internal sealed partial class CareLoop(
    ReplicaNode node,
    CopyCare care,
    UploadDesk uploads,
    TransactionRunner runner,
    IOptions<ReplicaOptions> options,
    ILogger<CareLoop> logger) : BackgroundService
{
    private static readonly TimeSpan _watchPause = TimeSpan.FromSeconds(1);

    // A burst of changes is looked at once.
    private static readonly TimeSpan _settle = TimeSpan.FromMilliseconds(50);

    private readonly SemaphoreSlim _changed = new(0, 1);

    public override void Dispose()
    {
        _changed.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await node.Serving.WaitAsync(stoppingToken);
            uploads.Ended += Wake;
            await Task.WhenAll(WatchAsync(stoppingToken), LookAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (WoodpeckerException)
        {
            // The node said why it cannot serve and is stopping.
        }
        finally
        {
            // An upload that ends while the host is disposed must not wake what is gone.
            uploads.Ended -= Wake;
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromMilliseconds(options.Value.Care.PeriodMilliseconds);
        while (true)
        {
            // Section 13: by rolled back metadata nothing is sealed, published or dropped.
            List<LogId> logs = node.IsMetadataRolledBack ? [] : node.Store.List().Select(static c => c.Key.Log).Distinct().ToList();
            if (!await TryBeginAsync(cancellationToken))
                logs = [];
            foreach (var log in logs)
            {
                try
                {
                    await care.CareForAsync(log, cancellationToken);
                }
                catch (Exception e) when (StorageErrors.Translate(e) is { } known)
                {
                    LogPutOff(log.Value, known.Message);
                }
            }

            care.End();
            if (await WaitForChangeAsync(care.NextWait(period), cancellationToken))
                await Task.Delay(_settle, runner.Time, cancellationToken);
        }
    }

    private async ValueTask<bool> WaitForChangeAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, runner.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await _changed.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async ValueTask<bool> TryBeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            await care.BeginAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            LogLookPutOff(known.Message);
            return false;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                // Whatever happened before the watch starts is found by the look that follows.
                var cluster = await runner.Store.ListAsync(MetadataKeys.NodePrefix, cancellationToken);
                Wake();
                await foreach (var change in runner.Store.WatchAsync(MetadataKeys.LogsPrefix, cluster.Revision, cancellationToken))
                {
                    if (change.Key.Contains("/seg/", StringComparison.Ordinal) || change.Key.EndsWith("/meta", StringComparison.Ordinal))
                        Wake();
                }
            }
            catch (MetadataException e)
            {
                LogWatchEnded(e.Message);
            }

            await Task.Delay(_watchPause, runner.Time, cancellationToken);
        }
    }

    private void Wake()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
    }

    [LoggerMessage(3201, LogLevel.Warning, "Care for log {Log} is put off: {Reason}")]
    private partial void LogPutOff(ulong log, string reason);

    [LoggerMessage(3203, LogLevel.Warning, "A look at metadata is put off: {Reason}")]
    private partial void LogLookPutOff(string reason);

    [LoggerMessage(3202, LogLevel.Information, "The watch of segments ended and is started again: {Reason}")]
    private partial void LogWatchEnded(string reason);
}
