using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;

namespace Woodpecker.Simulation.Nodes;

/// <summary>A node: what of it survives a crash, and the life it has now.</summary>
internal sealed class SimNode(string name, NodeKind kind, ReplicaDisk? disk)
{
    public string Name { get; } = name;

    public NodeKind Kind { get; } = kind;

    public ReplicaDisk? Disk { get; } = disk;

    public Life? Life { get; set; }

    public int Lives { get; set; }

    /// <summary>Whether its machine is gone for good.</summary>
    public bool IsLost { get; set; }

    public TimeSpan ClockOffset { get; set; }

    public bool IsUp => Life is { IsDead: false };
}
