using System.Text.Json.Serialization;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>What one cell showed; one line of a file of results.</summary>
internal sealed record CellResult
{
    public required string Fault { get; init; }

    public required Phase Phase { get; init; }

    public required int Seed { get; init; }

    public int Acknowledged { get; init; }

    public int Indeterminate { get; init; }

    public int Refused { get; init; }

    public string Reasons { get; init; } = "";

    /// <summary>In seconds: the longest time one log got no acknowledgement.</summary>
    public double LongestPause { get; init; }

    /// <summary>In seconds, from the end of the fault until every log took an append.</summary>
    public double Recovery { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Promises that were broken, and what else went wrong; empty when nothing was lost.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Why the cell could not be run.</summary>
    public string? Skipped { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>What was run: the commit it was built from.</summary>
    public string Build { get; init; } = "";

    /// <summary>How long the fault was to last, in seconds.</summary>
    public double Duration { get; init; }

    /// <summary>How many cells met the fault at the same time; the time is that of all of them.</summary>
    public int Together { get; init; } = 1;

    /// <summary>Where the time went.</summary>
    public CellCost Cost { get; init; } = new();

    [JsonIgnore]
    public string Name => $"{Fault}/{Phase}";

    public static CellResult Of(Cell cell, FaultOptions options) => new()
    {
        Fault = cell.Fault.Name,
        Phase = cell.Phase,
        Seed = cell.Seed(options),
        At = DateTimeOffset.UtcNow,
        Build = options.Build,
        Duration = options.Duration.TotalSeconds,
    };
}
