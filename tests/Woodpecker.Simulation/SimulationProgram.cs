using System.Globalization;
using Woodpecker.Simulation.Mutants;

namespace Woodpecker.Simulation;

/// <summary>The command line of the simulator.</summary>
internal static class SimulationProgram
{
    private const int MutantSeeds = 1_000;
    private const int ProgressEvery = 100;

    public static int Main(string[] args)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CommandLine line;
        try
        {
            line = CommandLine.Parse(args);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(CommandLine.Help);
            return 2;
        }

        if (line.Lists)
        {
            foreach (var one in MutantList.All)
                Console.WriteLine($"{one.Name,-24} {one.Id,-8} {one.Seen}");
            return 0;
        }

        if (line.IsCi)
            return CommitRun.Run(line.Commit);
        if (line.Mutant == "all")
            return MutantRun.RunAll(MutantList.All, MutantSeeds, line.Jobs) ? 0 : 1;
        var tally = line.Jobs > 1 && line.Last > line.First ? RunInChildren(line) : RunHere(line);
        if (line.IsChild)
            tally.Export(Console.Out);
        else
            tally.Print(Console.Out, withCoverage: line.Last > line.First);
        return tally.Failed.Count == 0 ? 0 : 1;
    }

    /// <summary>Splits a range over processes.</summary>
    public static Tally RunInChildren(CommandLine line)
    {
        var tally = new Tally();
        var gate = new Lock();
        var count = line.Last - line.First + 1;
        var jobs = Math.Min(line.Jobs, count);
        var threads = new Thread[jobs];
        for (var i = 0; i < jobs; i++)
        {
            var first = line.First + (count * i / jobs);
            var last = line.First + (count * (i + 1) / jobs) - 1;
            threads[i] = new Thread(() =>
            {
                string[] arguments = ["--child", "--seeds", string.Create(CultureInfo.InvariantCulture, $"{first}..{last}")];
                if (line.Mutant is { } mutant)
                    arguments = [.. arguments, "--mutant", mutant];
                if (line.StopsAtFailure)
                    arguments = [.. arguments, "--until-caught"];
                var code = Child.Run(arguments, text =>
                {
                    lock (gate)
                    {
                        if (text.Length > 1 && text[1] == '\t')
                            tally.Add(text);
                        else
                            Console.WriteLine(text);
                    }
                });
                lock (gate)
                {
                    if (code > 1)
                        tally.Failed.Add(first);
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
        return tally;
    }

    private static Tally RunHere(CommandLine line)
    {
        var mutant = line.Mutant is { } name ? MutantList.All.First(m => m.Name == name) : null;
        var tally = new Tally();
        for (var seed = line.First; seed <= line.Last; seed++)
        {
            var result = SeedRun.Run(seed, mutant, line.IsTraced ? Console.Out : null);
            tally.Add(result);
            Print(line, result);
            if (result.Failure is not null && line.StopsAtFailure)
                break;
        }

        return tally;
    }

    private static void Print(CommandLine line, SeedResult result)
    {
        if (line.First == line.Last || result.Seed % ProgressEvery == 0)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"seed {result.Seed}: {(result.Failure is null ? "ok" : "FAILED")}, {result.Virtual.TotalSeconds:F1} s in {result.Cpu.TotalSeconds:F2} core-seconds, "
                + $"{result.Events} events, trace {result.TraceHash:x16}, {result.Counts}"));
        }

        if (result.Failure is null)
            return;
        if (!line.IsTraced && !line.StopsAtFailure)
        {
            foreach (var text in result.Tail)
                Console.WriteLine(text);
        }

        var with = line.Mutant is { } mutant ? $" --mutant {mutant}" : "";
        Console.WriteLine($"seed {result.Seed} FAILED: {result.Failure}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"replay: dotnet run --project tests/Woodpecker.Simulation -- --seed {result.Seed}{with} --trace"));
    }
}
