using System.Globalization;
using Woodpecker.Simulation.Mutants;

namespace Woodpecker.Simulation;

/// <summary>The command line of the simulator.</summary>
internal static class SimulationProgram
{
    private const int MutantSeeds = 1_000;
    private const int ProgressEvery = 100;
    private const int SliceSize = 200;

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
        if (line.HasOddCulture)
            UseOddCulture();
        var isSliced = !line.IsChild && line.Named.Count == 0 && (line.Jobs > 1 || line.Last - line.First >= SliceSize);
        var tally = isSliced ? RunInSlices(line) : RunHere(line);
        if (line.IsChild)
            tally.Export(Console.Out);
        else
            tally.Print(Console.Out, withCoverage: line.IsMany);
        return tally.Failed.Count == 0 ? 0 : 1;
    }

    /// <summary>Runs seeds in a process of their own.</summary>
    /// <param name="arguments">Which, and how.</param>
    /// <param name="first">Counted as failed if the process ends in another way than by its verdict.</param>
    public static Tally RunInChild(IReadOnlyList<string> arguments, int first)
    {
        var tally = new Tally();
        var code = Child.Run(["--child", .. arguments], text =>
        {
            if (text.Length > 1 && text[1] == '\t')
                tally.Add(text);
            else
                Console.WriteLine(text);
        });
        if (code > 1)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a process that ran {string.Join(' ', arguments)} ended with code {code}"));
            tally.Failed.Add(first);
        }

        return tally;
    }

    // Slices keep a long run in bounded memory, and say how far it came.
    private static Tally RunInSlices(CommandLine line)
    {
        var size = Math.Min(SliceSize, Math.Max(1, (line.Last - line.First + 1 + line.Jobs - 1) / line.Jobs));
        var tally = new Tally();
        var gate = new Lock();
        var next = line.First;
        var threads = new Thread[Math.Max(1, line.Jobs)];
        for (var i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() =>
            {
                while (true)
                {
                    int first;
                    lock (gate)
                    {
                        if (next > line.Last || (line.StopsAtFailure && tally.Failed.Count > 0))
                            return;
                        first = next;
                        next += size;
                    }

                    var last = Math.Min(line.Last, first + size - 1);
                    string[] arguments = ["--seeds", string.Create(CultureInfo.InvariantCulture, $"{first}..{last}")];
                    if (line.Mutant is { } mutant)
                        arguments = [.. arguments, "--mutant", mutant];
                    if (line.Profile is { } profile)
                        arguments = [.. arguments, "--profile", profile.ToString()];
                    if (line.StopsAtFailure)
                        arguments = [.. arguments, "--until-caught"];
                    var slice = RunInChild(arguments, first);
                    lock (gate)
                    {
                        tally.Add(slice);
                        Console.Write(string.Create(CultureInfo.InvariantCulture, $"slice {first}..{last}: "));
                        slice.Print(Console.Out, withCoverage: false);
                    }
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
        return tally;
    }

    private static void UseOddCulture()
    {
        var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        odd.NumberFormat.NumberDecimalSeparator = ",";
        odd.NumberFormat.NegativeSign = "~";
        odd.NumberFormat.NumberGroupSeparator = "'";
        odd.DateTimeFormat.TimeSeparator = "|";
        odd.DateTimeFormat.DateSeparator = "_";
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = odd;
    }

    private static Tally RunHere(CommandLine line)
    {
        var mutant = line.Mutant is { } name ? MutantList.Find(name) : null;
        var tally = new Tally();
        foreach (var seed in line.Seeds)
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
        if (!line.IsMany || (!line.IsChild && result.Seed % ProgressEvery == 0))
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
