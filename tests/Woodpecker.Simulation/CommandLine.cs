using System.Globalization;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Workload;

namespace Woodpecker.Simulation;

/// <summary>What was asked for.</summary>
internal sealed record CommandLine
{
    public const string Help = """
        Usage: Woodpecker.Simulation [--seed N [--trace]] [--seeds N | A..B | A,B,C] [--mutant NAME|all] [--jobs N]
               Woodpecker.Simulation --ci [--commit ID]
          --seed N      run one seed; --trace prints what happened
          --seeds N     run the seeds 1 to N, or A..B, or those named; many seeds run in slices, of which each is reported:
                        a run that was stopped goes on with the first seed of the slice that is missing
          --mutant NAME make a known mistake on purpose, in the wide workload; all: each until it is caught, or 1,000 seeds;
                        none: the wide workload without a mistake
          --profile P   of the seeds named, only those of the wide workload that draw this profile
          --jobs N      processes at once (default 1); every process computes on one thread
          --ci          what every commit runs: seeds.txt, 500 new seeds, determinism pairs, 6 mutants
          --list        names of the mutants
        """;

    public int First { get; init; } = 1;

    public int Last { get; init; } = 1;

    /// <summary>Seeds named one by one; empty: the range.</summary>
    public IReadOnlyList<int> Named { get; init; } = [];

    public IEnumerable<int> Seeds => (Named.Count > 0 ? Named : Enumerable.Range(First, Last - First + 1))
        .Where(seed => Profile is null || Scenario.Draw(new SimRandom((ulong)seed).Fork(), isWide: true).Profile == Profile);

    public bool IsMany => Named.Count > 1 || Last > First;

    public bool IsTraced { get; init; }

    public string? Mutant { get; init; }

    public Profile? Profile { get; init; }

    public int Jobs { get; init; } = 1;

    public bool IsCi { get; init; }

    public bool Lists { get; init; }

    public string Commit { get; init; } = "";

    /// <summary>Whether only results are printed, for a parent process.</summary>
    public bool IsChild { get; init; }

    /// <summary>Whether this process formats numbers in an unusual way: nothing may depend on it.</summary>
    public bool HasOddCulture { get; init; }

    /// <summary>Whether the run ends with the first seed that fails.</summary>
    public bool StopsAtFailure { get; init; }

    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        for (var i = 0; i < args.Count; i++)
        {
            string Next() => ++i < args.Count ? args[i] : throw new ArgumentException($"{args[i - 1]} needs a value");
            line = args[i] switch
            {
                "--seed" => Number(Next()) is var seed ? line with { First = seed, Last = seed } : line,
                "--seeds" => WithRange(line, Next()),
                "--trace" => line with { IsTraced = true },
                "--mutant" or "--mutants" => line with { Mutant = Next() },
                "--profile" => line with { Profile = Enum.Parse<Profile>(Next(), ignoreCase: true), Mutant = line.Mutant ?? "none" },
                "--jobs" => line with { Jobs = Number(Next()) },
                "--ci" => line with { IsCi = true },
                "--list" => line with { Lists = true },
                "--commit" => line with { Commit = Next() },
                "--child" => line with { IsChild = true },
                "--odd-culture" => line with { HasOddCulture = true },
                "--until-caught" => line with { StopsAtFailure = true },
                _ => throw new ArgumentException($"unknown option {args[i]}"),
            };
        }

        return line;
    }

    private static CommandLine WithRange(CommandLine line, string text)
    {
        if (text.Contains(',', StringComparison.Ordinal))
            return line with { Named = [.. text.Split(',').Select(Number)] };
        var dots = text.IndexOf("..", StringComparison.Ordinal);
        return dots < 0
            ? line with { First = 1, Last = Number(text) }
            : line with { First = Number(text[..dots]), Last = Number(text[(dots + 2)..]) };
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
