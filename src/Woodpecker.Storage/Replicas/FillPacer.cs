namespace Woodpecker.Storage.Replicas;

/// <summary>
/// Slows data down while a journal fills up, before it must be refused (U8): the fuller, the slower, by bytes, so that what
/// reads the journal empty has time. The wait stays below what makes a writer give a member up (W3).
/// </summary>
/// <remarks>Threads: any; all streams share the rate.</remarks>
/// <param name="slowAt">Share of the capacity at which it begins.</param>
/// <param name="refuseAt">Share at which data is refused; the rate is lowest there.</param>
/// <param name="time">The clock.</param>
internal sealed class FillPacer(double slowAt, double refuseAt, TimeProvider time)
{
    private const double FastBytesPerSecond = 64.0 * 1024 * 1024;
    private const double SlowBytesPerSecond = 8.0 * 1024 * 1024;

    // A member that is two seconds behind sits a segment out.
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long _freeAt = time.GetTimestamp();

    /// <summary>Whether data is to be slowed down.</summary>
    public bool IsSlow(double fill) => fill >= slowAt;

    /// <summary>How long the taker of these bytes has to wait.</summary>
    public TimeSpan Charge(double fill, int bytes)
    {
        var share = Math.Clamp((fill - slowAt) / Math.Max(refuseAt - slowAt, 0.001), 0, 1);
        var rate = FastBytesPerSecond + (share * (SlowBytesPerSecond - FastBytesPerSecond));
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _freeAt = Math.Max(_freeAt, now) + (long)(bytes / rate * time.TimestampFrequency);
            var wait = time.GetElapsedTime(now, _freeAt);
            return wait < _longest ? wait : _longest;
        }
    }
}
