using System.Diagnostics;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Mutants;
using Woodpecker.Simulation.Workload;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Simulation;

/// <summary>What came of a seed.</summary>
internal sealed record SeedResult(
    int Seed, string? Failure, ulong TraceHash, TimeSpan Virtual, TimeSpan Cpu, long Events, HistoryCounts? Counts, Coverage Coverage,
    IReadOnlyList<string> Tail);

/// <summary>Runs one seed to its end.</summary>
internal static class SeedRun
{
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(20);

    public static SeedResult Run(int seed, MutantCase? mutant, TextWriter? trace)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var log = new TraceLog(trace) { ShowsEvents = Environment.GetEnvironmentVariable("SIMULATION_EVENTS") == "1" };
        using var sim = new Simulator(seed, log);
        World? world = null;
        sim.Run(() =>
        {
            world = new World(seed, sim, mutant);
            sim.After(_longest, null, "too-long", () => sim.Fail("the run takes too long in virtual time"));
            _ = world.RunAsync();
        });
        world?.Cluster.ReleaseAll();
        process.Refresh();
        var defect = world?.Cluster.Nodes.Select(static n => n.Life?.Defect).FirstOrDefault(static d => d is not null);
        var failure = sim.Failure ?? defect;
        return new SeedResult(
            seed, failure, log.Hash, sim.Elapsed, process.TotalProcessorTime - before, sim.EventCount, world?.Verdict?.Counts,
            world?.Coverage ?? new Coverage(), failure is null ? [] : [.. log.Tail(50)]);
    }
}
