using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>Processes killed, stopped, replaced, doubled.</summary>
internal static class ProcessFaults
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("nothing", static c => Task.Delay(c.Duration)),
        new("kill writer", static c => KillAsync(c, c.Owner)),
        new("kill one replica", static c => KillAsync(c, c.AnyReplica())),
        new("kill all replicas", static c => KillAsync(c, [.. FaultSystem.Replicas])),
        new("kill compactor", static c => KillAsync(c, "compactor")),
        new("kill reader", static c => KillAsync(c, "reader")),
        new("kill sidecar of writer", static c => KillAsync(c, $"{c.Owner}-dapr")),
        new("kill sidecar of replica", static c => KillAsync(c, $"{c.AnyReplica()}-dapr")),
        new("kill everything", static c => KillAsync(c, [.. FaultSystem.Replicas, .. FaultSystem.Writers, "reader", "compactor"])),
        new("stop writer 1 s", static c => PauseAsync(c, _second, c.Owner)),
        new("stop writer beyond its lease", static c => PauseAsync(c, 6 * _second, c.Owner)),
        new("stop one replica 1 s", static c => PauseAsync(c, _second, c.AnyReplica())),
        new("stop one replica 6 s", static c => PauseAsync(c, 6 * _second, c.AnyReplica())),
        new("stop all replicas 2 s", static c => PauseAsync(c, 2 * _second, [.. FaultSystem.Replicas])),
        new("stop compactor beyond its lease", static c => PauseAsync(c, 6 * _second, "compactor")),
        new("rolling restart", RollAsync)
        {
            Phases = [Phase.Steady, Phase.Roll, Phase.CatchUp],
            WhyOnlyThese = "every process is restarted in turn, so the kills have its other phases",
        },
        new("two compactors", TwoCompactorsAsync)
        {
            Phases = [Phase.Steady, Phase.Upload, Phase.Merge, Phase.Truncation],
            WhyOnlyThese = "a compactor has nothing to do with the others",
        },
    ];

    private static async Task KillAsync(FaultContext c, params string[] resources)
    {
        c.Notes.Add(string.Join(", ", resources));
        foreach (var resource in resources)
        {
            if (!c.System.IsEnded(resource))
                await c.System.System.KillAsync(resource);
        }

        await Task.Delay(c.Duration);
        await c.System.RestartAsync(resources);
    }

    private static async Task PauseAsync(FaultContext c, TimeSpan time, params string[] resources)
    {
        c.Notes.Add(string.Join(", ", resources));
        var stopped = resources.Where(r => !c.System.IsEnded(r)).ToList();
        try
        {
            stopped.ForEach(c.System.System.Pause);
            await Task.Delay(time);
        }
        finally
        {
            stopped.ForEach(c.System.System.Resume);
        }
    }

    private static async Task RollAsync(FaultContext c)
    {
        foreach (var resource in (IEnumerable<string>)[.. FaultSystem.Writers, .. FaultSystem.Replicas, "reader", "compactor"])
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await c.System.System.CommandAsync(resource, KnownResourceCommands.StopCommand, limit.Token);
            await c.System.EndsAsync(resource, TimeSpan.FromSeconds(30));
            await c.System.System.RestartAsync(resource);
        }
    }

    private static async Task TwoCompactorsAsync(FaultContext c)
    {
        using var second = SecondProcess.StartLike(c.System.System.Pid("compactor"), "compactor-2");
        await Task.Delay(c.Duration + TimeSpan.FromSeconds(3));
        if (second.HasExited)
            throw new InvalidOperationException($"The second compactor ended: {second.Output}");
        c.Notes.Add($"second one ran as process {second.Id}");
    }
}
