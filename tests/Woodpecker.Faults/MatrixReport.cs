using System.Globalization;
using System.Text;

namespace Woodpecker.Faults;

/// <summary>The tables for people.</summary>
internal static class MatrixReport
{
    private const string Mark = "<!-- generated -->";

    /// <summary>The report of a file of results.</summary>
    /// <returns>1 if a cell's last result has a problem, else 0.</returns>
    public static Task<int> MakeAsync(FaultOptions options, IReadOnlyList<Cell> cells) =>
        WriteAsync(ResultFile.Load(options.Results!), cells, options);

    /// <summary>Prints the report, and puts it into the file of the command line.</summary>
    public static async Task<int> WriteAsync(IReadOnlyList<CellResult> results, IReadOnlyList<Cell> cells, FaultOptions options)
    {
        var report = Write(results, cells);
        if (options.Output is { } file)
        {
            var kept = File.Exists(file) ? await File.ReadAllTextAsync(file) : "";
            var end = kept.IndexOf($"\n{Mark}\n", StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, $"{(end < 0 ? "# Faults on real processes\n" : kept[..end])}\n{Mark}\n\n{report}");
        }

        Console.WriteLine(report);
        return LastOfEach(results).Values.Any(static r => r.Problems.Count > 0) ? 1 : 0;
    }

    /// <summary>A cell that was run again counts as it ended last; a cell that was skipped then counts as it ran before.</summary>
    public static Dictionary<string, CellResult> LastOfEach(IEnumerable<CellResult> results)
    {
        var last = new Dictionary<string, CellResult>(StringComparer.Ordinal);
        foreach (var result in results)
        {
            if (result.Skipped is null || !last.ContainsKey(result.Name))
                last[result.Name] = result;
        }

        return last;
    }

    public static string Line(CellResult r, string? earlier)
    {
        IEnumerable<string> notes = r.Notes;
        if (r.Reasons.Length > 0)
            notes = notes.Append(r.Reasons);
        if (earlier is not null)
            notes = notes.Append(earlier);
        return string.Create(CultureInfo.InvariantCulture, $"| {r.Fault} | {r.Phase} | {r.Seed} | {r.Acknowledged} | {r.Indeterminate} "
            + $"| {r.Refused} | {r.LongestPause:0.0} s | {r.Recovery:0.0} s "
            + $"| {(r.Problems.Count == 0 ? "nothing" : "SEE BELOW")} | {string.Join("; ", notes).Replace('|', '/')} |");
    }

    private static string Write(IReadOnlyList<CellResult> results, IReadOnlyList<Cell> cells)
    {
        var last = LastOfEach(results);
        var ran = last.Values.Where(static r => r.Skipped is null)
            .OrderBy(static r => r.Fault, StringComparer.Ordinal).ThenBy(static r => r.Phase).ToList();
        var text = new StringBuilder();
        Totals(text, ran, cells);
        Pauses(text, ran);
        text.Append("## All cells\n\n")
            .Append("| fault | phase | seed | acknowledged | indeterminate | refused | longest pause | recovery | lost | notes |\n")
            .Append("|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (var r in ran)
            text.Append(Line(r, Earlier(r, results))).Append('\n');
        foreach (var r in ran.Where(static r => r.Problems.Count > 0))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n### {r.Name}, seed {r.Seed}\n\n");
            foreach (var problem in r.Problems)
                text.Append("- ").Append(problem).Append('\n');
        }

        NotRun(text, last, cells);
        return text.ToString();
    }

    private static void Totals(StringBuilder text, List<CellResult> ran, IReadOnlyList<Cell> cells)
    {
        var bad = ran.Count(static r => r.Problems.Count > 0);
        text.Append("## Totals\n\n").Append(CultureInfo.InvariantCulture, $"{ran.Count} of {cells.Count} cells of ")
            .Append(CultureInfo.InvariantCulture, $"{cells.Select(static c => c.Fault.Name).Distinct().Count()} faults were run: ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Sum(static r => r.Acknowledged)} appends acknowledged, ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Sum(static r => r.Indeterminate)} indeterminate, {ran.Sum(static r => r.Refused)} refused; ")
            .Append(bad == 0
                ? "nothing acknowledged was lost, reordered, duplicated or changed, and every system recovered."
                : string.Create(CultureInfo.InvariantCulture, $"{bad} cells with problems, told below the table."))
            .Append("\n\n");
        if (ran.Count == 0)
            return;
        var builds = ran.GroupBy(static r => r.Build).OrderBy(static g => g.Min(static r => r.At))
            .Select(static g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({g.Count()} cells)"));
        text.Append("- Builds: ").AppendJoin(", ", builds)
            .Append(CultureInfo.InvariantCulture, $"; from {ran.Min(static r => r.At):yyyy-MM-dd HH:mm} to {ran.Max(static r => r.At):yyyy-MM-dd HH:mm} UTC.\n")
            .Append(CultureInfo.InvariantCulture, $"- Faults of {string.Join(", ", ran.Select(static r => r.Duration).Distinct().Order())} s unless a fault has its own time. ")
            .Append(CultureInfo.InvariantCulture, $"All phases of a fault but idle and takeover met it at the same time, each with logs, clients and a history of its own: ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Sum(static r => 1.0 / r.Together):0} faults, each with {ran.Average(static r => r.Cost.Waited + r.Cost.Fault + r.Cost.Mend):0.0} s, ")
            .Append(CultureInfo.InvariantCulture, $"{ran.Average(static r => r.Cost.Prepare):0.0} s of preparation and {ran.Average(static r => r.Cost.Check):0.0} s of reading back, ")
            .Append("of which the last two overlap those of its neighbours.\n\n");
    }

    /// <summary>Of every fault the worst cell; an idle log has no pause.</summary>
    private static void Pauses(StringBuilder text, List<CellResult> ran)
    {
        var rows = ran.GroupBy(static r => r.Fault)
            .Select(static g => (Fault: g.Key,
                Cells: g.Count(),
                Acknowledged: g.Sum(static r => r.Acknowledged),
                Pause: g.Where(static r => r.Phase != Running.Phase.Idle).MaxBy(static r => r.LongestPause),
                Recovery: g.MaxBy(static r => r.Recovery)!))
            .OrderByDescending(static row => row.Pause?.LongestPause ?? 0).ToList();
        text.Append("## Longest pause of every fault\n\n")
            .Append("| fault | cells | acknowledged | longest pause | in | longest recovery | in |\n|---|---|---|---|---|---|---|\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Fault} | {row.Cells} | {row.Acknowledged} ")
                .Append(CultureInfo.InvariantCulture, $"| {row.Pause?.LongestPause ?? 0:0.0} s | {row.Pause?.Phase.ToString() ?? "-"} ")
                .Append(CultureInfo.InvariantCulture, $"| {row.Recovery.Recovery:0.0} s | {row.Recovery.Phase} |\n");
        }

        text.Append('\n');
    }

    private static string? Earlier(CellResult last, IReadOnlyList<CellResult> results)
    {
        var before = results.Where(r => r.Name == last.Name && r != last && r.Problems.Count > 0).ToList();
        return before.Count == 0 ? null : $"run again on {last.Build}; on {before[^1].Build} it met: {Cut(before[^1].Problems[0])}";
    }

    private static string Cut(string text) => text.Length <= 160 ? text : text[..160] + "…";

    private static void NotRun(StringBuilder text, Dictionary<string, CellResult> last, IReadOnlyList<Cell> cells)
    {
        text.Append("\n## Not run\n\n");
        foreach (var skipped in last.Values.Where(static r => r.Skipped is not null).GroupBy(static r => (r.Fault, r.Skipped)))
            text.Append(CultureInfo.InvariantCulture, $"- Skipped: {skipped.Key.Fault} ({skipped.Key.Skipped}).\n");
        var missing = cells.Where(c => !last.ContainsKey(c.Name)).Select(static c => c.Name).ToList();
        if (missing.Count > 0)
            text.Append("- Not yet run: ").AppendJoin(", ", missing).Append(".\n");
        foreach (var reason in Cell.LeftOut([.. cells.Select(static c => c.Fault).Distinct()]))
            text.Append(CultureInfo.InvariantCulture, $"- Left out: {reason}.\n");
    }
}
