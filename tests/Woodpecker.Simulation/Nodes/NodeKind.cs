namespace Woodpecker.Simulation.Nodes;

internal enum NodeKind
{
    Writer,

    Replica,

    Reader,

    Compactor,
}
