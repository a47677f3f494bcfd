using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>One fault in one phase.</summary>
internal sealed record Cell(Fault Fault, Phase Phase)
{
    public string Name => $"{Fault.Name}/{Phase}";

    /// <summary>
    /// All cells, in rounds: each round has every fault once, in another phase, so that a run that is cut short has seen every
    /// fault.
    /// </summary>
    public static IEnumerable<Cell> InRounds(IReadOnlyList<Fault> faults)
    {
        for (var round = 0; round < Enum.GetValues<Phase>().Length; round++)
        {
            for (var i = 0; i < faults.Count; i++)
            {
                var phases = faults[i].Phases;
                if (round < phases.Count)
                    yield return new Cell(faults[i], phases[(i + round) % phases.Count]);
            }
        }
    }
}
