using System.Globalization;
using System.Text;

namespace Woodpecker.Faults;

/// <summary>The table for people.</summary>
internal static class MatrixReport
{
    public static string Write(IReadOnlyList<CellResult> results, IReadOnlyList<Cell> notRun, FaultOptions options, TimeSpan elapsed)
    {
        var ran = results.Where(static r => r.Skipped is null).ToList();
        var text = new StringBuilder("# Faults on real processes\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{ran.Count} cells in {elapsed.TotalMinutes:0.0} min, first seed {options.Seed}, ")
            .Append(CultureInfo.InvariantCulture, $"faults of {options.Duration.TotalSeconds:0} s: ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Sum(static r => r.Acknowledged)} appends acknowledged, ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Sum(static r => r.Indeterminate)} indeterminate, {ran.Sum(static r => r.Refused)} refused, ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Count(static r => r.Problems.Count > 0)} cells with problems.\n\n")
            .Append("| fault | phase | seed | acknowledged | indeterminate | refused | longest pause | recovery | lost | notes |\n")
            .Append("|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (var r in ran.OrderBy(static r => r.Cell.Fault.Name, StringComparer.Ordinal).ThenBy(static r => r.Cell.Phase))
            text.Append(Line(r)).Append('\n');
        foreach (var r in ran.Where(static r => r.Problems.Count > 0))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {r.Cell.Name}, seed {r.Seed}\n");
            foreach (var problem in r.Problems)
                text.Append("- ").Append(problem).Append('\n');
        }

        var skipped = results.Where(static r => r.Skipped is not null).GroupBy(static r => (r.Cell.Fault.Name, r.Skipped)).ToList();
        if (skipped.Count > 0)
            text.Append("\nSkipped: ").AppendJoin("; ", skipped.Select(static g => $"{g.Key.Name} ({g.Key.Skipped})")).Append(".\n");
        if (notRun.Count > 0)
            text.Append("\nNot run for lack of time: ").AppendJoin(", ", notRun.Select(static c => c.Name)).Append(".\n");
        return text.ToString();
    }

    public static string Line(CellResult r)
    {
        var notes = string.Join("; ", r.Notes.Concat(r.Reasons.Length > 0 ? [r.Reasons] : Array.Empty<string>()));
        return string.Create(CultureInfo.InvariantCulture, $"| {r.Cell.Fault.Name} | {r.Cell.Phase} | {r.Seed} | {r.Acknowledged} | {r.Indeterminate} "
            + $"| {r.Refused} | {r.LongestPause.TotalSeconds:0.0} s | {r.Recovery.TotalSeconds:0.0} s "
            + $"| {(r.Problems.Count == 0 ? "nothing" : "SEE BELOW")} | {notes} |");
    }
}
