namespace Woodpecker.Storage.Writing;

/// <summary>Deadlines on the injected clock.</summary>
internal static class CancellationExtensions
{
    /// <summary>
    /// Cancels the source after a time by the given clock. The timer lives as long as the source is reachable.
    /// </summary>
    public static void CancelAfter(this CancellationTokenSource source, TimeSpan delay, TimeProvider time)
    {
        if (time == TimeProvider.System)
        {
            source.CancelAfter(delay);
            return;
        }

        var timer = time.CreateTimer(
            static state =>
            {
                try
                {
                    ((CancellationTokenSource)state!).Cancel();
                }
                catch (ObjectDisposedException)
                {
                    // The work ended before its deadline.
                }
            },
            source, delay, Timeout.InfiniteTimeSpan);
        source.Token.UnsafeRegister(static state => ((ITimer)state!).Dispose(), timer);
    }
}
