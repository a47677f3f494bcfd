using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>One row of the matrix. The action returns when the fault is over; processes that ended are started again later.</summary>
internal sealed record Fault(string Name, Func<FaultContext, Task> ActAsync)
{
    /// <summary>Why it cannot be had here; null if it can.</summary>
    public Func<FaultSystem, string?> WhyNot { get; init; } = static _ => null;

    /// <summary>Objects must be files of this machine.</summary>
    public bool NeedsObjectFiles { get; init; }

    /// <summary>Phases in which it means something.</summary>
    public IReadOnlyList<Phase> Phases { get; init; } = Enum.GetValues<Phase>();

    /// <summary>Why not the other phases.</summary>
    public string WhyOnlyThese { get; init; } = "";
}
