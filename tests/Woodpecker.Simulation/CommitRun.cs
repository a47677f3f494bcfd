using System.Globalization;
using Woodpecker.Simulation.Mutants;

namespace Woodpecker.Simulation;

/// <summary>What every commit runs: known seeds, new seeds, the same seed in two processes, some mutants.</summary>
internal static class CommitRun
{
    private const int NewSeeds = 500;
    private const int Pairs = 5;
    private const int MutantsPerCommit = 6;
    private const int MutantSeeds = 60;
    private const int Jobs = 2;

    public static int Run(string commit)
    {
        // The same commit draws the same seeds again.
        var number = commit.Length >= 7
            && uint.TryParse(commit.AsSpan(0, 7), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var parsed) ? parsed : 1;
        var first = 1_000_000 + (int)(number % 1_000_000) * 1_000;
        var passed = 0;
        var failed = 0;
        void Judge(string what, bool isGood)
        {
            Console.WriteLine($"{(isGood ? "passed" : "FAILED")}: {what}");
            passed += isGood ? 1 : 0;
            failed += isGood ? 0 : 1;
        }

        foreach (var seed in KnownSeeds())
            Judge($"known seed {seed}", RunRange(seed, seed, jobs: 1).Failed.Count == 0);
        var tally = RunRange(first, first + NewSeeds - 1, Jobs);
        tally.Print(Console.Out, withCoverage: true);
        Judge(string.Create(CultureInfo.InvariantCulture, $"seeds {first}..{first + NewSeeds - 1}"), tally.Failed.Count == 0);
        for (var i = 0; i < Pairs; i++)
            Judge($"seed {first + i} gives the same trace in two processes", HashOf(first + i, 1) == HashOf(first + i, 2));
        var quick = QuickMutants();
        var mutants = Enumerable.Range((int)(number % (uint)quick.Count), MutantsPerCommit).Select(i => quick[i % quick.Count]);
        Judge("mutants are caught", MutantRun.RunAll([.. mutants.Distinct()], MutantSeeds * 4, Jobs));
        // In the form of a test run's summary.
        Console.WriteLine($"{(failed == 0 ? "Passed" : "Failed")}! - Failed: {failed}, Passed: {passed}, Skipped: 0, Total: {passed + failed}");
        return failed == 0 ? 0 : 1;
    }

    private static Tally RunRange(int first, int last, int jobs) =>
        SimulationProgram.RunInChildren(new CommandLine { First = first, Last = last, Jobs = jobs });

    // Another hash seed of strings and another culture must change nothing.
    private static string HashOf(int seed, int way)
    {
        var hash = "";
        Child.Run(
            ["--seed", seed.ToString(CultureInfo.InvariantCulture)],
            line =>
            {
                var at = line.IndexOf("trace ", StringComparison.Ordinal);
                if (at > 0 && line.StartsWith("seed", StringComparison.Ordinal))
                    hash = line.Substring(at + 6, 16);
            },
            start => start.Environment["LANG"] = way == 1 ? "C" : "tr_TR.UTF-8");
        return hash;
    }

    private static IEnumerable<int> KnownSeeds() =>
        Lines("seeds.txt").Select(static parts => int.Parse(parts[0], CultureInfo.InvariantCulture));

    // Those that the long run caught early; the others are left to the long run.
    private static List<MutantCase> QuickMutants()
    {
        var seeds = Lines("mutants.txt")
            .ToDictionary(static parts => parts[0], static parts => int.Parse(parts[1], CultureInfo.InvariantCulture));
        return [.. MutantList.All.Where(m => seeds.TryGetValue(m.Name, out var seed) && seed <= MutantSeeds)];
    }

    private static IEnumerable<string[]> Lines(string file) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, file))
            .Where(static line => line.Length > 0 && line[0] != '#')
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
