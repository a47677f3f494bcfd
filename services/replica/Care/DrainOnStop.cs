using Microsoft.Extensions.Options;

namespace Woodpecker.Replica.Care;

/// <summary>
/// A planned stop of a replica whose journal is memory (Z3): no new segments, then it waits until everything it holds is
/// sealed, uploaded, verified and released, or says what is left when the grace is over. A journal on disk needs none of this.
/// </summary>
internal sealed partial class DrainOnStop(
    ReplicaNode node, TimeProvider time, IOptions<ReplicaOptions> options, ILogger<DrainOnStop> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs before anything is stopped: streams, uploads and releases go on meanwhile.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var settings = options.Value.Journal;
        if (!settings.IsMemory || node.StoreIfServing is not { } store)
            return;
        node.BeginDrain();
        var started = time.GetTimestamp();
        var grace = TimeSpan.FromSeconds(settings.DrainSeconds);
        LogDraining(store.List().Count, grace.TotalSeconds);
        while (store.List().Any(static copy => copy.Bytes > 0))
        {
            if (time.GetElapsedTime(started) >= grace || cancellationToken.IsCancellationRequested || store.Failure is not null)
            {
                foreach (var copy in store.List().Where(static copy => copy.Bytes > 0))
                    LogLeft(copy.Key.ToString(), copy.DurableEntry.Value, copy.SealedEntry is null ? "open" : "sealed", copy.Bytes);
                return;
            }

            await Task.Delay(_look, time, CancellationToken.None);
        }

        LogDrained(time.GetElapsedTime(started).TotalSeconds);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(3221, LogLevel.Information, "Stopping: {Count} segments in memory are sealed, uploaded and released first, for at most {Seconds} s")]
    private partial void LogDraining(int count, double seconds);

    [LoggerMessage(3222, LogLevel.Information, "Nothing is left in memory after {Seconds} s")]
    private partial void LogDrained(double seconds);

    [LoggerMessage(3223, LogLevel.Error, "This process ends with segment {Segment} ({State}, entries 0 to {Last}, {Bytes} bytes) in its memory: its copy is lost, the other members have theirs")]
    private partial void LogLeft(string segment, long last, string state, long bytes);
}
