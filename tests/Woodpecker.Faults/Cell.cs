using System.Globalization;
using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>One fault in one phase.</summary>
/// <param name="Fault">The row.</param>
/// <param name="Phase">The column.</param>
/// <param name="Number">Place in the whole list, from which its seed follows.</param>
internal sealed record Cell(Fault Fault, Phase Phase, int Number)
{
    public string Name => $"{Fault.Name}/{Phase}";

    public int Seed(FaultOptions options) => unchecked((options.Seed * 1_000) + Number);

    /// <summary>
    /// All cells, in rounds: each round has every fault once, in another phase, so that a run that is cut short has seen every
    /// fault.
    /// </summary>
    public static IReadOnlyList<Cell> InRounds(IReadOnlyList<Fault> faults)
    {
        var cells = new List<Cell>();
        for (var round = 0; round < Enum.GetValues<Phase>().Length; round++)
        {
            for (var i = 0; i < faults.Count; i++)
            {
                var phases = faults[i].Phases;
                if (round < phases.Count)
                    cells.Add(new Cell(faults[i], phases[(i + round) % phases.Count], cells.Count));
            }
        }

        return cells;
    }

    /// <summary>
    /// Cells that meet the same fault at the same time: all phases of a fault but those that are alone by their nature, an idle
    /// system and one whose owner is killed. First all of many phases, so that a run that is cut short has seen every fault.
    /// </summary>
    public static IEnumerable<IReadOnlyList<Cell>> Together(IEnumerable<Cell> cells) => cells
        .GroupBy(static c => (Kind: c.Phase switch { Phase.Takeover => 1, Phase.Idle => 2, _ => 0 }, c.Fault.Name))
        .OrderBy(static g => g.Key.Kind)
        .Select(static g => (IReadOnlyList<Cell>)[.. g.OrderBy(static c => c.Phase)]);

    /// <summary>Which phases of which faults are no cells, and why.</summary>
    public static IEnumerable<string> LeftOut(IReadOnlyList<Fault> faults) => faults
        .Where(static f => f.Phases.Count < Enum.GetValues<Phase>().Length)
        .Select(static f => string.Create(CultureInfo.InvariantCulture,
            $"{f.Name}: not in {string.Join(", ", Enum.GetValues<Phase>().Except(f.Phases))} ({f.WhyOnlyThese})"));
}
