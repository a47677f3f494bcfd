using System.Globalization;
using System.Text.Json;

namespace Woodpecker.Tool.Benchmark;

/// <summary>What a process used during a run.</summary>
/// <param name="Name">Resource of the application host, or this tool.</param>
/// <param name="CpuSeconds">Processor time of the run.</param>
/// <param name="ResidentMegabytes">Resident memory at the end of the run, in MB of 10^6 bytes.</param>
internal sealed record ProcessUsage(string Name, double CpuSeconds, double ResidentMegabytes)
{
    private const double TicksPerSecond = 100; // USER_HZ, fixed for all of user space on Linux.

    /// <summary>Processor time so far of the processes of a run; empty where that cannot be told.</summary>
    /// <param name="endpointsPath">The run's endpoints.json; its pids.json lies beside it.</param>
    public static Dictionary<string, (int Pid, double CpuSeconds)> Snapshot(string? endpointsPath)
    {
        var snapshot = new Dictionary<string, (int, double)>(StringComparer.Ordinal);
        if (!OperatingSystem.IsLinux())
            return snapshot;
        foreach (var (name, pid) in ReadPids(endpointsPath))
        {
            if (ReadCpu(pid) is { } cpu)
                snapshot[name] = (pid, cpu);
        }

        return snapshot;
    }

    /// <summary>What the processes used since a snapshot; those that ended meanwhile are left out.</summary>
    public static IReadOnlyList<ProcessUsage> Since(Dictionary<string, (int Pid, double CpuSeconds)> before)
    {
        var usages = new List<ProcessUsage>();
        foreach (var (name, (pid, cpu)) in before.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
        {
            if (ReadCpu(pid) is { } now && ReadResident(pid) is { } resident)
                usages.Add(new ProcessUsage(name, now - cpu, resident / 1e6));
        }

        return usages;
    }

    private static List<(string Name, int Pid)> ReadPids(string? endpointsPath)
    {
        List<(string, int)> pids = [("wp", Environment.ProcessId)];
        if (endpointsPath is null)
            return pids;
        try
        {
            var path = Path.Combine(Path.GetDirectoryName(endpointsPath)!, "pids.json");
            using var file = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var process in file.RootElement.GetProperty("processes").EnumerateObject())
                pids.Add((process.Name, process.Value.GetProperty("pid").GetInt32()));
        }
        catch (Exception e) when (
            e is IOException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Figures of the services are an extra; without the list there are those of this tool.
        }

        return pids;
    }

    private static double? ReadCpu(int pid)
    {
        if (ReadProc(pid, "stat") is not { } stat)
            return null;
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
    }

    private static double? ReadResident(int pid) =>
        ReadProc(pid, "statm") is { } statm ? Number(statm.Split(' ')[1]) * Environment.SystemPageSize : null;

    private static string? ReadProc(int pid, string file)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
