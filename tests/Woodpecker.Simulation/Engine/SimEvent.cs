namespace Woodpecker.Simulation.Engine;

/// <summary>Something that happens at a virtual time, to one life of a node or to the world.</summary>
internal sealed class SimEvent(Life? owner, string kind, Action action)
{
    public Life? Owner { get; } = owner;

    public string Kind { get; } = kind;

    public Action Action { get; } = action;

    public bool IsCancelled { get; set; }
}
