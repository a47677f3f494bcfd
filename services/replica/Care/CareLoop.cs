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

    private static readonly TimeSpan _comparePeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _doubtPause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly SemaphoreSlim _doubt = new(0, 1);

    public override void Dispose()
    {
        _changed.Dispose();
        _doubt.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await node.Serving.WaitAsync(stoppingToken);
            uploads.Ended += Wake;
            node.Doubted += Doubt;
            await Task.WhenAll(WatchAsync(stoppingToken), LookAsync(stoppingToken), CompareAsync(stoppingToken));
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
            node.Doubted -= Doubt;
        }
    }

    private async Task CompareAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // A process that holds nothing has nothing to compare, and one that is told of safe mode need not.
            var isDoubt = await WaitAsync(_doubt, _comparePeriod, cancellationToken);
            if (node.IsSafeMode || !(isDoubt || node.StoreIfServing?.List().Count > 0))
                continue;
            try
            {
                await node.CompareWithMetadataAsync(isRound: !isDoubt, cancellationToken);
            }
            catch (Exception e) when (StorageErrors.Translate(e) is { } known)
            {
                LogLookPutOff(known.Message);
            }

            // Zombies are refused again and again; one look in a while is enough.
            await Task.Delay(_doubtPause, runner.Time, cancellationToken);
        }
    }

    private void Doubt() => Release(_doubt);

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromMilliseconds(options.Value.Care.PeriodMilliseconds);
        while (true)
        {
            // Section 13: by rolled back metadata nothing is sealed, published or dropped.
            List<LogId> logs = node.IsSafeMode ? [] : node.Store.List().Select(static c => c.Key.Log).Distinct().ToList();
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

    private ValueTask<bool> WaitForChangeAsync(TimeSpan wait, CancellationToken cancellationToken) =>
        WaitAsync(_changed, wait, cancellationToken);

    private async ValueTask<bool> WaitAsync(SemaphoreSlim signal, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, runner.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await signal.WaitAsync(either.Token);
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
                // A restore of metadata breaks every watch (section 13).
                await node.CompareWithMetadataAsync(isRound: false, cancellationToken);
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

    private void Wake() => Release(_changed);

    private static void Release(SemaphoreSlim signal)
    {
        try
        {
            signal.Release();
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
