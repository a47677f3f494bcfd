using Woodpecker.Faults.Load;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>What a fault works on.</summary>
/// <param name="System">The processes and the ways between them.</param>
/// <param name="Loads">The clients of each cell that meets the fault.</param>
/// <param name="Random">Of the first cell's seed.</param>
/// <param name="Duration">How long the fault lasts, unless it lasts a moment.</param>
/// <param name="Options">What the command line asks for.</param>
/// <param name="Owner">The writer that owned the first cell's log when the fault came.</param>
internal sealed record FaultContext(
    FaultSystem System, IReadOnlyList<Workload> Loads, Random Random, TimeSpan Duration, FaultOptions Options, string Owner)
{
    public string AnyReplica() => FaultSystem.Replicas[Random.Next(FaultSystem.Replicas.Count)];

    /// <summary>For the report: what was chosen, and anything worth to be told.</summary>
    public List<string> Notes { get; } = [];
}
