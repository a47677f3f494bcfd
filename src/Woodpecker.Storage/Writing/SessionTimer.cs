namespace Woodpecker.Storage.Writing;

/// <summary>
/// Wakes a session at the next moment it waits for. Armed lazily: an earlier wake-up than needed is harmless.
/// </summary>
/// <remarks>Threads: the session's loop arms; the timer's own thread raises the signal.</remarks>
internal sealed class SessionTimer : IDisposable
{
    private const long NotArmed = 0;

    private static readonly TimeSpan _resolution = TimeSpan.FromMilliseconds(1);

    private readonly TimeProvider _time;
    private readonly AsyncSignal _signal;
    private readonly ITimer _timer;
    private long _dueAt = NotArmed;

    public SessionTimer(TimeProvider time, AsyncSignal signal)
    {
        _time = time;
        _signal = signal;
        _timer = time.CreateTimer(
            static state => ((SessionTimer)state!).Ring(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Makes sure that the signal is raised no later than in <paramref name="wait"/>; null for "nothing to wait for".
    /// </summary>
    public void Arm(TimeSpan? wait)
    {
        if (wait is not { } span)
            return;
        if (span < _resolution)
            span = _resolution;
        var dueAt = _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);
        var armed = Volatile.Read(ref _dueAt);
        if (armed != NotArmed && armed <= dueAt)
            return;
        Volatile.Write(ref _dueAt, dueAt);
        _timer.Change(span, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Ring()
    {
        Volatile.Write(ref _dueAt, NotArmed);
        _signal.Raise();
    }
}
