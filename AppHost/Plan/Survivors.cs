using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Woodpecker.AppHost.Plan;

/// <summary>
/// Ends processes that a dead run left behind. Normally its guard does that; this is for a guard that was killed too.
/// A process counts only if its start time or the run id in its environment proves that it is the one.
/// </summary>
internal static class Survivors
{
    private static readonly TimeSpan GuardTime =
        TimeSpan.FromSeconds(7); // Its five seconds of grace, and the walk to the end.
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    public static void Sweep(string pidFile)
    {
        if (Read(pidFile) is not { } run)
            return;
        var left = Alive(run);
        if (left.Count > 0 && run.Processes.TryGetValue("(guard)", out var guard) && IsSame(guard, run.RunId))
            left = WaitUntilGone(run, GuardTime);
        if (left.Count > 0)
        {
            Console.Error.WriteLine($"warn: {left.Count} processes of a run that has died are ended.");
            foreach (var process in left)
                Kill(process.Pid);
            left = WaitUntilGone(run, KillTime);
        }

        if (left.Count > 0)
        {
            throw new RunPlanException("Processes of a run that has died cannot be ended: "
                + $"{string.Join(", ", left.Select(p => p.Pid))}. End them, then start again.");
        }

        File.Delete(pidFile);
    }

    /// <summary>Pid of the host that wrote the file, if that can be read.</summary>
    public static int? HostOf(string pidFile) => Read(pidFile)?.Host.Pid;

    private static List<Entry> Alive(RunFile run) => [.. run.Processes.Values.Where(p => IsSame(p, run.RunId))];

#pragma warning disable VSTHRD002 // Nothing runs yet that this wait could block.
    private static List<Entry> WaitUntilGone(RunFile run, TimeSpan limit)
    {
        var start = TimeProvider.System.GetTimestamp();
        List<Entry> left;
        while ((left = Alive(run)).Count > 0 && TimeProvider.System.GetElapsedTime(start) < limit)
            Task.Delay(Interval, TimeProvider.System).Wait(); // Before the host exists, on the entry point's thread.
        return left;
    }
#pragma warning restore VSTHRD002

    private static bool IsSame(Entry entry, string runId)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{entry.Pid}");
        try
        {
            var stat = File.ReadAllText(Path.Combine(folder, "stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // From field 3; the start time is field 22.
            var isZombie = fields[0] == "Z";
            return !isZombie && (fields[19] == entry.StartTime.ToString(CultureInfo.InvariantCulture)
                || File.ReadAllText(Path.Combine(folder, "environ"))
                    .Contains($"WOODPECKER_RUN_ID={runId}", StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or IndexOutOfRangeException)
        {
            return false;
        }
    }

    private static void Kill(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException
            or System.ComponentModel.Win32Exception)
        {
            // It has gone by itself, or is not ours to end; the caller looks again.
        }
    }

    private static RunFile? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<RunFile>(File.ReadAllText(path),
                JsonSerializerOptions.Web) : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException)
        {
            return null;
        }
    }

    private sealed record RunFile(string RunId, Entry Host, Dictionary<string, Entry> Processes);

    private sealed record Entry(int Pid, long StartTime);
}
