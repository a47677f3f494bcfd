using Microsoft.Extensions.Options;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica.Care;

/// <summary>
/// Reads everything that is held again and again, at a low rate: what became unreadable is found before it is needed (J11).
/// The store verifies every frame, marks a damaged copy and raises the generation itself (R10, R11).
/// </summary>
internal sealed partial class ScrubLoop(
    ReplicaNode node, TimeProvider time, IOptions<ReplicaOptions> options, ILogger<ScrubLoop> logger) : BackgroundService
{
    private const int Step = 1024 * 1024;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var settings = options.Value.Care;
        try
        {
            await node.Serving.WaitAsync(stoppingToken);
            while (true)
            {
                await Task.Delay(TimeSpan.FromMinutes(settings.ScrubPeriodMinutes), time, stoppingToken);
                await ScrubAllAsync(TimeSpan.FromSeconds((double)Step / settings.ScrubBytesPerSecond), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (WoodpeckerException)
        {
            // The node said why it cannot serve and is stopping.
        }
    }

    private async Task ScrubAllAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var bytes = 0L;
        var damaged = 0;
        foreach (var copy in node.Store.List())
        {
            try
            {
                bytes += await ScrubAsync(copy, pause, cancellationToken);
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.Corrupt)
            {
                damaged++;
                LogDamaged(copy.Key.ToString(), e.Message);
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.Unavailable)
            {
                // Released meanwhile.
            }
        }

        LogScrubbed(bytes, damaged);
    }

    private async Task<long> ScrubAsync(SegmentInfo copy, TimeSpan pause, CancellationToken cancellationToken)
    {
        // The header is entry -1: without it the copy cannot be handed out (R11).
        var bytes = (long)(await node.Store.ReadHeaderAsync(copy.Key, cancellationToken)).Length;
        var rest = Step;
        await foreach (var frame in node.Store.ReadFramesAsync(copy.Key, new EntryId(0), copy.DurableEntry, cancellationToken))
        {
            bytes += frame.Length;
            rest -= frame.Length;
            if (rest > 0)
                continue;
            rest = Step;
            await Task.Delay(pause, time, cancellationToken);
        }

        return bytes;
    }

    [LoggerMessage(3211, LogLevel.Error, "Segment {Segment} is damaged here: {Reason}")]
    private partial void LogDamaged(string segment, string reason);

    [LoggerMessage(3212, LogLevel.Debug, "Scrubbed {Bytes} bytes, {Damaged} damaged segments")]
    private partial void LogScrubbed(long bytes, int damaged);
}
