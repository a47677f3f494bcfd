using System.Globalization;
using Woodpecker.Simulation.Engine;

namespace Woodpecker.Simulation;

/// <summary>The command line.</summary>
internal static class SimulationProgram
{
    public static int Main(string[] args)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        var first = 1;
        var count = 1;
        var isTraced = false;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--seed":
                    first = int.Parse(args[++i], CultureInfo.InvariantCulture);
                    break;
                case "--seeds":
                    count = int.Parse(args[++i], CultureInfo.InvariantCulture);
                    break;
                case "--trace":
                    isTraced = true;
                    break;
            }
        }

        var coverage = new Coverage();
        var failed = 0;
        double simulated = 0, real = 0;
        for (var seed = first; seed < first + count; seed++)
        {
            var result = SeedRun.Run(seed, null, isTraced ? Console.Out : null);
            coverage.Add(result.Coverage);
            simulated += result.Virtual.TotalSeconds;
            real += result.Cpu.TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"seed {seed}: {(result.Failure is null ? "ok" : "FAILED")} virtual {result.Virtual.TotalSeconds:F1} s cpu {result.Cpu.TotalSeconds:F2} s events {result.Events} hash {result.TraceHash:x16} {result.Counts}"));
            if (result.Failure is null)
                continue;
            failed++;
            if (!isTraced)
            {
                foreach (var line in result.Tail)
                    Console.WriteLine(line);
            }

            Console.WriteLine(result.Failure);
        }

        foreach (var (what, n) in coverage.Counts)
            Console.WriteLine($"{n,8} {what}");
        Console.WriteLine($"{failed} of {count} seeds failed; {simulated / real:F0} simulated seconds per core-second");
        return failed == 0 ? 0 : 1;
    }
}
