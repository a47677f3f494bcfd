using Woodpecker.Simulation.Nodes;

namespace Woodpecker.Simulation.Mutants;

/// <summary>A known mistake that a run makes on purpose: it must be caught.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Id">Its number in the list of docs/TESTING.md.</param>
/// <param name="Seen">Where the mistake was made in public.</param>
/// <param name="Mistake">The switch in the product; None for mistakes at a port.</param>
/// <param name="AtPort">Puts the mistake between a process and its ports; null for switches.</param>
internal sealed record MutantCase(
    string Name, string Id, string Seen, KnownMistake Mistake = KnownMistake.None, Action<Cluster>? AtPort = null)
{
    /// <summary>Makes the mistake in a cluster that has not started yet.</summary>
    public void Apply(Cluster cluster)
    {
#if WOODPECKER_MUTANTS
        Mutation.Activate(Mistake);
#endif
        AtPort?.Invoke(cluster);
    }
}
