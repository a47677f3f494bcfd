using Woodpecker.Simulation.Nodes;

namespace Woodpecker.Simulation.Mutants;

/// <summary>A known mistake, switched on for a run: it must be caught.</summary>
/// <param name="Name">Short, for the command line.</param>
/// <param name="Id">Id in the list of mutants.</param>
/// <param name="Seen">Where the mistake was made in public.</param>
/// <param name="Apply">Puts it between a process and its ports; product switches are set by name.</param>
internal sealed record Mutant(string Name, string Id, string Seen, Action<Cluster> Apply);
