using Microsoft.Extensions.Options;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer;

/// <summary>
/// The writer's life: join, keep epoch keys naming the live key, recover logs whose owner is gone without waiting for
/// an
/// append (T9), and at the end seal and release everything.
/// </summary>
internal sealed partial class WriterLoop(
    WriterNode node, LogOwnership ownership, WriterDrain drain, LogTransactions logs, ClusterGuard guard,
    IHostApplicationLifetime lifetime, IOptions<WriterOptions> options, TimeProvider time, ILogger<WriterLoop> logger)
    : BackgroundService, IHostedLifecycleService
{
    private const int PageSize = 1_000;

    private static readonly TimeSpan _tick = TimeSpan.FromSeconds(1);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Before any service is stopped: the listeners still answer, so appends find their next owner (O6).
    public Task StoppingAsync(CancellationToken cancellationToken) => drain.RunAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await drain.RunAsync(cancellationToken); // For hosts that stop services without announcing it.
        await node.DisposeAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        guard.Changed += OnSafeMode;
        try
        {
            if (await JoinAsync(stoppingToken))
                await RunAsync(stoppingToken);
        }
        finally
        {
            guard.Changed -= OnSafeMode;
        }
    }

    private void OnSafeMode()
    {
        if (guard.IsSafeMode)
            _ = DropAsync();
    }

    private async Task DropAsync()
    {
        try
        {
            await ownership.DropAllAsync();
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            Log.NotDropped(logger, known.Message);
        }
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        var orphanPeriod = TimeSpan.FromMilliseconds(options.Value.Writer.OrphanPeriodMilliseconds);
        var cutOff = TimeSpan.FromMilliseconds(options.Value.Writer.CutOffMilliseconds);
        var lookedAt = time.GetTimestamp();
        var offering = Task.CompletedTask;
        try
        {
            while (true)
            {
                await Task.Delay(_tick, time, stoppingToken);
                if (guard.IsSafeMode)
                    continue;
                ownership.ReassertAll(node.LiveRevision);
                // Beside the rest: others may take seconds to answer, and the epoch keys must name the live key meanwhile.
                if (offering.IsCompleted)
                    offering = OfferCutOffAsync(cutOff, stoppingToken);
                if (time.GetElapsedTime(lookedAt) < orphanPeriod)
                    continue;
                lookedAt = time.GetTimestamp();
                await RecoverOrphansAsync(stoppingToken);
            }
        }
        finally
        {
            await offering;
        }
    }

    private async Task<bool> JoinAsync(CancellationToken cancellationToken)
    {
        try
        {
            await node.StartAsync(cancellationToken);
            return true;
        }
        catch (WoodpeckerException e)
        {
            // Settings that contradict each other are not repaired by waiting; the sentence says what to do.
            Log.CannotServe(logger, node.AppId, e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
            return false;
        }
    }

    private async Task OfferCutOffAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await ownership.OfferCutOffAsync(limit, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The process stops.
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            Log.NotOffered(logger, known.Message);
        }
    }

    private async Task RecoverOrphansAsync(CancellationToken cancellationToken)
    {
        string? after = null;
        try
        {
            await ownership.PruneBlockedAsync(cancellationToken);
            var writers = await ownership.ListWritersAsync(cancellationToken);
            while (true)
            {
                var page = await logs.ListAsync(after, PageSize, cancellationToken);
                foreach (var (_, id) in page)
                    await RecoverAsync(id, writers, cancellationToken);
                if (page.Count < PageSize)
                    return;
                after = page[^1].Name;
            }
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            Log.OrphansNotListed(logger, known.Message);
        }
    }

    private async Task RecoverAsync(LogId id, IReadOnlyList<string> writers, CancellationToken cancellationToken)
    {
        try
        {
            if (!await ownership.ShouldRecoverAsync(id, writers, cancellationToken)
                || await logs.FindAsync(id, cancellationToken) is not { } log)
                return;
            Log.Recovering(logger, id);
            await ownership.ResolveAsync(log, isForwarded: true, refusedBy: null, cancellationToken);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            Log.NotRecovered(logger, id, known.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3704, LogLevel.Critical, "{AppId} cannot serve: {Reason}")]
        public static partial void CannotServe(ILogger logger, string appId, string reason);

        [LoggerMessage(3705, LogLevel.Warning, "Logs whose members are not reached cannot be offered: {Reason}")]
        public static partial void NotOffered(ILogger logger, string reason);

        [LoggerMessage(3706, LogLevel.Warning, "A session could not be ended in order: {Reason}")]
        public static partial void NotDropped(ILogger logger, string reason);

        [LoggerMessage(3701, LogLevel.Information, "The owner of log {LogId} is gone; recovering it")]
        public static partial void Recovering(ILogger logger, LogId logId);

        [LoggerMessage(3702, LogLevel.Warning, "Log {LogId} cannot be recovered yet: {Reason}")]
        public static partial void NotRecovered(ILogger logger, LogId logId, string reason);

        [LoggerMessage(3703, LogLevel.Warning, "Logs without an owner cannot be looked for: {Reason}")]
        public static partial void OrphansNotListed(ILogger logger, string reason);
    }
}
