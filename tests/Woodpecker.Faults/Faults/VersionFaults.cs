using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>Processes of an earlier commit among those of this one: back to the earlier version on the same data, and forward again.</summary>
internal static class VersionFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        Of("a replica of the previous version", static c => [c.AnyReplica()]),
        Of("the writer of the previous version", static c => [c.Owner]),
        Of("reader and compactor of the previous version", static _ => ["reader", "compactor"]),
    ];

    private static Fault Of(string name, Func<FaultContext, string[]> who) => new(name, async c =>
    {
        var old = new List<SecondProcess>();
        var services = who(c).Where(s => !c.System.IsEnded(s)).ToList();
        try
        {
            foreach (var service in services)
            {
                var start = SecondProcess.LikeOf(c.System.System.Pid(service), Here(), c.System.Previous!);
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                await c.System.System.CommandAsync(service, KnownResourceCommands.StopCommand, limit.Token);
                await c.System.EndsAsync(service, TimeSpan.FromSeconds(30));
                old.Add(SecondProcess.Start(start));
            }

            // It takes a few seconds until the other version serves.
            await Task.Delay((2 * c.Duration) + TimeSpan.FromSeconds(3));
            foreach (var (index, process) in old.Index())
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"The other version of {services[index]} ended: {process.Output}");
            }
        }
        finally
        {
            old.ForEach(static p => p.Dispose());
        }

        c.Notes.Add(string.Join(", ", services));
        await c.System.RestartAsync(services);
    })
    {
        WhyNot = static s => s.Previous is null ? "no earlier checkout was given (--previous)"
            : Directory.EnumerateFiles(Path.Combine(s.Previous, "services", "replica"), "Woodpecker.Replica.dll", SearchOption.AllDirectories)
                .Any() ? null
            : $"{s.Previous} is not built",
        Phases = [Phase.Steady, Phase.Roll, Phase.Upload, Phase.Merge],
        WhyOnlyThese = "what two versions share is written and read in these",
    };

    /// <summary>The root of this checkout.</summary>
    private static string Here()
    {
        var folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "AppHost")) || !Directory.Exists(Path.Combine(folder, "services")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("This does not run from a checkout.");
        return folder;
    }
}
