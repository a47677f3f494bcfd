namespace Woodpecker.Storage.Writing;

/// <summary>Sinks of sealed segments that are being let go in the background, a bounded number at a time.</summary>
/// <remarks>Threads: the session's loop.</remarks>
internal sealed class SessionClosings(TimeProvider time)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private readonly List<Task> _running = [];

    /// <summary>Completes and disposes the sink of a sealed segment.</summary>
    public void Start(ISegmentSink sink, EntryId lastEntry, ulong chain)
    {
        _running.RemoveAll(static task => task.IsCompleted);
        _running.Add(CompleteAsync(sink, lastEntry, chain));
    }

    /// <summary>Waits for all of them; each is bounded by its own limit.</summary>
    public Task WaitAsync() => Task.WhenAll(_running);

    private async Task CompleteAsync(ISegmentSink sink, EntryId lastEntry, ulong chain)
    {
        using var limit = new CancellationTokenSource(_limit, time);
        try
        {
            await sink.CompleteAsync(lastEntry, chain, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Members that did not hear of the seal find it in metadata (R7).
        }

        await sink.DisposeAsync();
    }
}
