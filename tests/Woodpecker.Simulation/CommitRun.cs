using System.Globalization;
using Woodpecker.Simulation.Mutants;

namespace Woodpecker.Simulation;

/// <summary>What every commit runs: known seeds, new seeds, some of them once more in another kind of process, some mutants.</summary>
internal sealed class CommitRun
{
    private const int NewSeeds = 500;
    private const int SliceSize = 84;
    private const int Pairs = 20;
    private const int MutantsPerCommit = 6;
    private const int MutantSeeds = 60;
    private const int Jobs = 2;

    private readonly Lock _gate = new();
    private readonly Queue<Action> _work = new();
    private readonly Tally _new = new();
    private int _passed;
    private int _failed;

    /// <summary>Runs everything; every child process computes on one thread, two at once.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string commit) => new CommitRun().RunAll(commit);

    private int RunAll(string commit)
    {
        // The same commit draws the same seeds again.
        var number = commit.Length >= 7
            && uint.TryParse(commit.AsSpan(0, 7), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var parsed) ? parsed : 1;
        var first = 1_000_000 + ((int)(number % 1_000_000) * 1_000);
        var last = first + NewSeeds - 1;
        var again = new Tally();
        for (var start = first; start <= last; start += SliceSize)
        {
            var range = Range(start, Math.Min(last, start + SliceSize - 1));
            var begin = start;
            _work.Enqueue(() => Collect(_new, SimulationProgram.RunInChild(["--seeds", range], begin)));
        }

        var quick = QuickMutants();
        foreach (var mutant in Enumerable.Range((int)(number % (uint)quick.Count), MutantsPerCommit).Select(i => quick[i % quick.Count]).Distinct())
            _work.Enqueue(() => CatchMutant(mutant));
        // Another process has another hash seed of strings; another culture, too, must change nothing.
        _work.Enqueue(() => Collect(again, SimulationProgram.RunInChild(["--seeds", Range(first, first + Pairs - 1), "--odd-culture"], first)));
        var known = KnownSeeds().ToList();
        _work.Enqueue(() => RunKnown(known));
        WorkOff();

        _new.Print(Console.Out, withCoverage: true);
        Judge($"seeds {Range(first, last)}", _new.Failed.Count == 0 && _new.Seeds == NewSeeds);
        for (var seed = first; seed < first + Pairs; seed++)
        {
            var (one, other) = (_new.Hashes.GetValueOrDefault(seed), again.Hashes.GetValueOrDefault(seed));
            Judge(string.Create(CultureInfo.InvariantCulture, $"seed {seed} gives the same trace in two processes"), one is not null && one == other);
        }

        // In the form of a test run's summary.
        Console.WriteLine($"{(_failed == 0 ? "Passed" : "Failed")}! - Failed: {_failed}, Passed: {_passed}, Skipped: 0, Total: {_passed + _failed}");
        return _failed == 0 ? 0 : 1;
    }

    private void WorkOff()
    {
        var threads = new Thread[Jobs];
        for (var i = 0; i < Jobs; i++)
        {
            threads[i] = new Thread(() =>
            {
                while (true)
                {
                    Action work;
                    lock (_gate)
                    {
                        if (!_work.TryDequeue(out work!))
                            return;
                    }

                    work();
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
    }

    private void RunKnown(List<int> seeds)
    {
        var names = string.Join(',', seeds.Select(static s => s.ToString(CultureInfo.InvariantCulture)));
        var tally = SimulationProgram.RunInChild(["--seeds", names], seeds[0]);
        foreach (var seed in seeds)
            Judge(string.Create(CultureInfo.InvariantCulture, $"known seed {seed}"), tally.Hashes.ContainsKey(seed) && !tally.Failed.Contains(seed));
    }

    private void CatchMutant(MutantCase mutant)
    {
        var (seed, how) = MutantRun.Catch(mutant, MutantSeeds * 4);
        var text = string.Create(CultureInfo.InvariantCulture, $"mutant {mutant.Name} is caught");
        Judge(seed is { } n ? string.Create(CultureInfo.InvariantCulture, $"{text} by seed {n}: {how}") : text, seed is not null);
    }

    private void Collect(Tally into, Tally slice)
    {
        lock (_gate)
            into.Add(slice);
    }

    private void Judge(string what, bool isGood)
    {
        lock (_gate)
        {
            Console.WriteLine($"{(isGood ? "passed" : "FAILED")}: {what}");
            _passed += isGood ? 1 : 0;
            _failed += isGood ? 0 : 1;
        }
    }

    private static string Range(int first, int last) => string.Create(CultureInfo.InvariantCulture, $"{first}..{last}");

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
