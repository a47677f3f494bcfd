namespace Woodpecker.Simulation.Engine;

/// <summary>A node's clock: monotonic time is virtual time, the wall clock may say anything.</summary>
internal sealed class NodeClock(Simulator sim, Life life) : TimeProvider
{
    private static readonly DateTimeOffset _epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What the wall clock is wrong by.</summary>
    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => sim.ReadClock();

    public override DateTimeOffset GetUtcNow() => _epoch + TimeSpan.FromTicks(sim.Now) + Offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(sim, life, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimTimer(Simulator sim, Life life, TimerCallback callback, object? state) : ITimer
    {
        private SimEvent? _next;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_next is not null)
                _next.IsCancelled = true;
            _next = null;
            _period = period;
            if (dueTime >= TimeSpan.Zero)
                _next = sim.After(dueTime, life, "timer", Fire);
            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire()
        {
            _next = _period > TimeSpan.Zero ? sim.After(_period, life, "timer", Fire) : null;
            callback(state);
        }
    }
}
