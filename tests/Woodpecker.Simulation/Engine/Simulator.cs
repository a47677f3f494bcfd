namespace Woodpecker.Simulation.Engine;

/// <summary>
/// Virtual time and one order of everything: a heap of events by (time, sequence), and a pool of one thread. An event is
/// taken only when the pool has nothing left to do, so continuations of product code run to their end first, in the order
/// in which the pool takes them: that of a queue of one thread.
/// </summary>
/// <remarks>Threads: everything runs on the one pool thread; <see cref="Run"/> blocks the caller's.</remarks>
internal sealed class Simulator : IDisposable
{
    private const int MaxBusyTurns = 100_000;

    private readonly PriorityQueue<SimEvent, (long At, long Sequence)> _events = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly WaitCallback _drive;
    private long _sequence;
    private int _busyTurns;
    private int _eventsNow;
    private int _thread;
    private bool _isOver;

    public Simulator(int seed, TraceLog trace)
    {
        Trace = trace;
        Random = new SimRandom((ulong)seed);
        _drive = _ => Drive();
    }

    /// <summary>100 ns ticks since the beginning.</summary>
    public long Now { get; private set; }

    public SimRandom Random { get; }

    public TraceLog Trace { get; }

    public long EventCount { get; private set; }

    /// <summary>What ended the run before its time; null if nothing did.</summary>
    public string? Failure { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Now);

    /// <summary>Runs until somebody calls <see cref="Stop"/>, something fails, or nothing is left to happen.</summary>
    public void Run(Action start)
    {
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                _thread = Environment.CurrentManagedThreadId;
                Guard("start", start);
                ThreadPool.UnsafeQueueUserWorkItem(_drive, null);
            },
            null);
        _ended.Wait();
    }

    /// <summary>What a process asks its clock for takes time, too: who looks again and again sees it pass.</summary>
    public long ReadClock() => Now += TimeSpan.TicksPerMicrosecond;

    public void Stop() => _isOver = true;

    public void Fail(string what)
    {
        Failure ??= what;
        _isOver = true;
    }

    public SimEvent After(TimeSpan delay, Life? owner, string kind, Action action) =>
        At(Now + Math.Max(0, delay.Ticks), owner, kind, action);

    public SimEvent At(long time, Life? owner, string kind, Action action)
    {
        var one = new SimEvent(owner, kind, action);
        Enqueue(one, Math.Max(time, Now));
        return one;
    }

    public void Enqueue(SimEvent one, long time) => _events.Enqueue(one, (time, _sequence++));

    /// <summary>Ends after a virtual time, for the world's own scripts.</summary>
    public Task Delay(TimeSpan delay)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        After(delay, null, "script", () => done.SetResult());
        return done.Task;
    }

    public void Dispose() => _ended.Dispose();

    private void Drive()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            Fail("a continuation ran outside the simulator's thread");
        if (++_busyTurns > MaxBusyTurns)
        {
            Fail("product code works on without an end while no time passes");
            _ended.Set();
            return;
        }

        while (ThreadPool.PendingWorkItemCount == 0)
        {
            _busyTurns = 0;
            if (_isOver || !_events.TryDequeue(out var one, out var key))
            {
                if (!_isOver)
                    Fail("nothing is left to happen: somebody waits for ever");
                _ended.Set();
                return;
            }

            if (one.IsCancelled || one.Owner is { IsDead: true })
                continue;
            _eventsNow = key.At <= Now ? _eventsNow + 1 : 0;
            if (_eventsNow > MaxBusyTurns)
                Fail($"too many events at one moment, the last one is {one.Kind} of {one.Owner?.Name}");
            Now = Math.Max(Now, key.At);
            if (one.Owner is { IsPaused: true } paused)
            {
                paused.Postpone(one);
                continue;
            }

            EventCount++;
            Trace.Event(Now, one.Owner?.Name ?? "world", one.Kind);
            Guard(one.Kind, one.Action);
        }

        ThreadPool.UnsafeQueueUserWorkItem(_drive, null);
    }

    private void Guard(string kind, Action action)
    {
        try
        {
            action();
        }
#pragma warning disable CA1031 // Whatever it is, the seed failed, and the report says where.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail($"{kind}: {e}");
        }
    }
}
