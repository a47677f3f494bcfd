using System.Globalization;
using Woodpecker.Simulation.Mutants;

namespace Woodpecker.Simulation;

/// <summary>Makes known mistakes and counts the seeds until each is noticed.</summary>
internal static class MutantRun
{
    /// <summary>Runs each mutant until it is caught.</summary>
    /// <returns>Whether all were.</returns>
    public static bool RunAll(IReadOnlyList<MutantCase> mutants, int limit, int jobs)
    {
        var next = 0;
        var escaped = 0;
        var gate = new Lock();
        var threads = new Thread[Math.Max(1, jobs)];
        for (var i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() =>
            {
                while (true)
                {
                    MutantCase mutant;
                    lock (gate)
                    {
                        if (next == mutants.Count)
                            return;
                        mutant = mutants[next++];
                    }

                    var (seed, how) = Catch(mutant, limit);
                    lock (gate)
                    {
                        escaped += seed is null ? 1 : 0;
                        var verdict = seed is { } n ? string.Create(CultureInfo.InvariantCulture, $"caught by seed {n}") : "ESCAPED";
                        Console.WriteLine($"{mutant.Id,-8} {mutant.Name,-22} {verdict,-20} {how}");
                    }
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
        Console.WriteLine($"{mutants.Count - escaped} of {mutants.Count} mutants caught within {limit} seeds");
        return escaped == 0;
    }

    /// <summary>Runs seeds until one fails.</summary>
    public static (int? Seed, string How) Catch(MutantCase mutant, int limit)
    {
        int? seed = null;
        var how = "";
        var code = Child.Run(
            ["--child", "--until-caught", "--mutant", mutant.Name, "--seeds", limit.ToString(CultureInfo.InvariantCulture)],
            line =>
            {
                if (line.StartsWith("F\t", StringComparison.Ordinal))
                    seed = int.Parse(line[2..], CultureInfo.InvariantCulture);
                else if (line.Contains(" FAILED: ", StringComparison.Ordinal))
                    how = line[(line.IndexOf(" FAILED: ", StringComparison.Ordinal) + 9)..];
            });
        // A process that ends by an unhandled exception noticed it, too.
        return code > 1 && seed is null ? (0, $"the process ended with code {code}") : (seed, how.Length > 110 ? how[..110] : how);
    }
}
