namespace Woodpecker.Simulation.Engine;

/// <summary>
/// One run of a node's process, from its start to its crash. What a dead life still does reaches nobody: its timers, its
/// calls and the answers to them are dropped.
/// </summary>
internal sealed class Life
{
    private readonly Simulator _sim;
    private readonly List<SimEvent> _postponed = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Life(Simulator sim, string name, int number, TimeSpan clockOffset)
    {
        (_sim, Name, Number) = (sim, name, number);
        Clock = new NodeClock(sim, this) { Offset = clockOffset };
        Ids = new SeededIds(sim.Random.Fork());
    }

    public string Name { get; }

    public int Number { get; }

    public NodeClock Clock { get; }

    public SeededIds Ids { get; }

    public bool IsDead { get; private set; }

    /// <summary>Ends with the life.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The process's services; null until it is composed.</summary>
    public IServiceProvider? Services { get; set; }

    /// <summary>An error in its log that no fault explains.</summary>
    public string? Defect { get; set; }

    public bool IsPaused { get; private set; }

    /// <summary>The process ends at once; nothing of it goes on.</summary>
    public void Kill()
    {
        IsDead = true;
        _ended.TrySetResult();
        _postponed.Clear();
    }

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        foreach (var one in _postponed)
            _sim.Enqueue(one, _sim.Now);
        _postponed.Clear();
    }

    public void Postpone(SimEvent one) => _postponed.Add(one);

    public void Note(string kind, string text) => _sim.Trace.Add(Name, kind, text);
}
