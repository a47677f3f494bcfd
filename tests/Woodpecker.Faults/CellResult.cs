namespace Woodpecker.Faults;

/// <summary>What one cell showed.</summary>
internal sealed record CellResult(Cell Cell, int Seed)
{
    public int Acknowledged { get; init; }

    public int Indeterminate { get; init; }

    public int Refused { get; init; }

    public string Reasons { get; init; } = "";

    public TimeSpan LongestPause { get; init; }

    /// <summary>From the end of the fault until every log took an append.</summary>
    public TimeSpan Recovery { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Promises that were broken, and what else went wrong; empty when nothing was lost.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Why the cell could not be run.</summary>
    public string? Skipped { get; init; }
}
