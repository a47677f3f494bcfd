using System.Diagnostics;
using System.Runtime.InteropServices;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults.Faults;

/// <summary>etcd killed, stopped, away for long, its leases revoked, its history compacted.</summary>
internal static partial class MetadataFaults
{
    private const int Stop = 19;
    private const int Continue = 18;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("etcd killed and restarted at once", static c => DownAsync(c, TimeSpan.Zero)),
        new("etcd away", static c => DownAsync(c, c.Duration)),
        new("etcd away for long", OutageAsync) { Phases = [Phase.Steady], WhyOnlyThese = "etcd away has them all; the length is what this adds" },
        new("etcd stopped 1 s", static c => PauseAsync(c, TimeSpan.FromSeconds(1))),
        new("etcd stopped beyond all leases", static c => PauseAsync(c, TimeSpan.FromSeconds(6))),
        new("all leases revoked", RevokeAsync) { WhyNot = static _ => WhyNoTool() },
        new("etcd compacted", CompactAsync)
        {
            WhyNot = static _ => WhyNoTool(),
            Phases = [Phase.Steady, Phase.Roll, Phase.Takeover, Phase.Merge],
            WhyOnlyThese = "the other phases watch no other keys",
        },
    ];

    private static async Task DownAsync(FaultContext c, TimeSpan time)
    {
        await c.System.Etcd.KillAsync();
        await Task.Delay(time);
        await c.System.Etcd.StartAgainAsync();
        c.Notes.Add($"{time.TotalSeconds:0} s");
    }

    /// <summary>Section 13: open segments take appends all the time.</summary>
    private static async Task OutageAsync(FaultContext c)
    {
        await c.System.Etcd.KillAsync();
        await Task.Delay(c.Options.Outage * 0.9);
        var load = c.Loads[0];
        var since = load.Statistics.Elapsed;
        await Task.Delay(c.Options.Outage * 0.1);
        var stalled = load.Logs.Where(log => !load.Statistics.HasAdvanced(log, since)).ToList();
        await c.System.Etcd.StartAgainAsync();
        c.Notes.Add($"{c.Options.Outage.TotalSeconds:0} s");
        if (stalled.Count > 0)
            throw new InvalidOperationException($"Without etcd {string.Join(", ", stalled)} stalled (section 13).");
    }

    private static async Task PauseAsync(FaultContext c, TimeSpan time)
    {
        var pid = c.System.Etcd.ProcessId;
        Send(pid, Stop);
        await Task.Delay(time);
        Send(pid, Continue);
    }

    private static async Task RevokeAsync(FaultContext c)
    {
        var revoked = 0;
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < c.Duration)
        {
            foreach (var lease in (await ToolAsync(c, "lease", "list")).Split('\n').Select(static l => l.Trim()))
            {
                if (lease.Length is 0 or > 16 || !lease.All(char.IsAsciiHexDigit))
                    continue;
                await ToolAsync(c, "lease", "revoke", lease);
                revoked++;
            }

            await Task.Delay(500);
        }

        c.Notes.Add($"{revoked} leases");
    }

    private static async Task CompactAsync(FaultContext c)
    {
        var status = await ToolAsync(c, "get", "", "--prefix", "--limit=1", "--keys-only", "-w", "json");
        var at = status.IndexOf("\"revision\":", StringComparison.Ordinal) + 11;
        var revision = status[at..].TakeWhile(char.IsAsciiDigit).ToArray();
        await ToolAsync(c, "compact", new string(revision));
        c.Notes.Add($"at revision {new string(revision)}");
        await Task.Delay(c.Duration);
    }

    private static string? WhyNoTool() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(static folder => File.Exists(Path.Combine(folder, "etcdctl"))) ? null : "no etcdctl on PATH";

    private static async Task<string> ToolAsync(FaultContext c, params string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl", [$"--endpoints={c.System.Etcd.ClientUrl}", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ETCDCTL_API"] = "3";
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await errors;
        await process.WaitForExitAsync(limit.Token);
        return output;
    }

    private static void Send(int pid, int signal)
    {
        if (Kill(pid, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} to process {pid} failed.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
