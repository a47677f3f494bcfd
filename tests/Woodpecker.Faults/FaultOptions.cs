using System.Globalization;
using System.Reflection;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>The command line.</summary>
internal sealed record FaultOptions
{
    public const string Usage = """
        Real processes under faults. Usage: dotnet run --project tests/Woodpecker.Faults -- [options]
          --all                all cells of the matrix
          --cell FAULT/PHASE   one cell; the phase may be left out for all of the fault's; may be repeated
          --list               names the cells and ends
          --seconds N          how long a fault lasts (3); 30 for a nightly run
          --outage N           seconds of the cell "etcd away for long" (30); 600 for ten minutes
          --minutes N          begins no cell after that time (no bound); what was not run is listed
          --keep               keeps the history of every cell, not of failed ones alone
          --seed N             first seed; every cell's seed is derived from it (by the clock)
          --resume FILE        results are appended there as JSON lines; cells that are there are not run again, and the
                               report is made of the whole file
          --again              runs cells that are in that file again; the report has the last result of a cell and names
                               what an earlier one met
          --part I/N           every N-th cell, beginning with the I-th: N processes may share the file
          --report             makes the report of the file and ends
          --previous FOLDER    a built checkout of an earlier commit: the cells with mixed versions start processes of it
          --no-namespace       stays in the network namespace it was started in; the cells of lost packets are skipped
          -o FILE              writes the report there: what the file has up to the line "<!-- generated -->" stays;
                               histories and logs of failed cells go beside it
        Exit code: 0 clean, 1 a promise was broken or a cell failed, 2 usage.
        """;

    public bool All { get; private init; }

    public bool List { get; private init; }

    public bool KeepsAll { get; private init; }

    /// <summary>The report of a file of results is all that is asked for.</summary>
    public bool ReportsOnly { get; private init; }

    /// <summary>Cells whose results are known already are run again.</summary>
    public bool Again { get; private init; }

    /// <summary>May enter a network namespace of its own.</summary>
    public bool HasNamespace { get; private init; } = true;

    /// <summary>File of results.</summary>
    public string? Results { get; private init; }

    public (int Index, int Count) Part { get; private init; } = (1, 1);

    /// <summary>A built checkout of an earlier commit.</summary>
    public string? Previous { get; private init; }

    /// <summary>The commit this was built from, where the build says so.</summary>
    public string Build { get; } = typeof(FaultOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
        ?.InformationalVersion.Split('+') is [_, { Length: >= 9 } commit] ? commit[..9] : "unknown";

    public IReadOnlyList<string> Cells { get; private init; } = [];

    public TimeSpan Duration { get; private init; } = TimeSpan.FromSeconds(3);

    public TimeSpan Outage { get; private init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Limit { get; private init; } = TimeSpan.MaxValue;

    public int Seed { get; private init; } = (int)(DateTimeOffset.UtcNow.ToUnixTimeSeconds() % 1_000_000);

    public string? Output { get; private init; }

    /// <exception cref="ArgumentException">Says what is wrong.</exception>
    public static FaultOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new FaultOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--all" => options with { All = true },
                "--keep" => options with { KeepsAll = true },
                "--again" => options with { Again = true },
                "--report" => options with { ReportsOnly = true },
                "--no-namespace" => options with { HasNamespace = false },
                "--resume" => options with { Results = Path.GetFullPath(Value(arguments, ref i)) },
                "--previous" => options with { Previous = Path.GetFullPath(Value(arguments, ref i)) },
                "--part" => options with { Part = Share(Value(arguments, ref i)) },
                "--list" => options with { List = true },
                "--cell" => options with { Cells = [.. options.Cells, Value(arguments, ref i)] },
                "--seconds" => options with { Duration = TimeSpan.FromSeconds(Number(arguments, ref i)) },
                "--outage" => options with { Outage = TimeSpan.FromSeconds(Number(arguments, ref i)) },
                "--minutes" => options with { Limit = TimeSpan.FromMinutes(Number(arguments, ref i)) },
                "--seed" => options with { Seed = (int)Number(arguments, ref i) },
                "-o" => options with { Output = Path.GetFullPath(Value(arguments, ref i)) },
                _ => throw new ArgumentException($"Unknown option '{name}'."),
            };
        }

        return options is { Results: null } and ({ Again: true } or { ReportsOnly: true })
            ? throw new ArgumentException("--again and --report need --resume FILE.")
            : options;
    }

    /// <summary>Whether the command line names the cell.</summary>
    public bool Asks(string fault, Phase phase) => All || Cells.Any(cell =>
    {
        var parts = cell.Split('/', 2);
        return fault.Equals(parts[0], StringComparison.OrdinalIgnoreCase)
            && (parts.Length == 1 || phase.ToString().Equals(parts[1], StringComparison.OrdinalIgnoreCase));
    });

    private static string Value(IReadOnlyList<string> arguments, ref int i) => ++i < arguments.Count
        ? arguments[i]
        : throw new ArgumentException($"{arguments[i - 1]} needs a value.");

    private static (int Index, int Count) Share(string value) => value.Split('/') is [var first, var second]
        && int.TryParse(first, CultureInfo.InvariantCulture, out var index) && int.TryParse(second, CultureInfo.InvariantCulture, out var count)
        && index >= 1 && index <= count
        ? (index, count)
        : throw new ArgumentException("--part needs I/N, for example 1/2.");

    private static double Number(IReadOnlyList<string> arguments, ref int i)
    {
        var name = arguments[i];
        return double.TryParse(Value(arguments, ref i), CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= 1e6
            ? number
            : throw new ArgumentException($"{name} needs a number.");
    }
}
