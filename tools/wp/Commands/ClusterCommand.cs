using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp cluster</c>: whether metadata went back to an older state, and the acceptance of that (section 13).</summary>
internal static class ClusterCommand
{
    // It reads every manifest and asks every replica.
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    public static Command Create() => new("cluster", "For operators: the state of the cluster, and the end of safe mode.")
    {
        CreateStatus(), CreateAcceptRestore(),
    };

    private static Command CreateStatus()
    {
        var command = new Command(
            "status",
            "Tell whether the cluster is in safe mode, who noticed, and what its metadata lack; exit code 3 if it is.");
        command.Runs(static async (result, cancellationToken) =>
        {
            await using var client = Cluster.Find(result.GetValue(CommonOptions.Endpoint)).OpenForWriting(_patience);
            var cluster = await client.DescribeClusterAsync(cancellationToken);
            if (CommonOptions.IsJson(result))
                Print.Line(JsonSerializer.Serialize(cluster, ControlJson.Default.ClusterDescription));
            else
                Show(cluster);
            return cluster.State == "Normal" ? ExitCode.Ok : ExitCode.Unavailable;
        });
        return command;
    }

    private static Command CreateAcceptRestore()
    {
        var accept = new Option<bool>("--accept") { Description = "Do it. Without it, only what would be done is told." };
        var loss = new Option<bool>("--accept-data-loss")
        {
            Description = "Also give up what nobody holds: truncated after the snapshot, or lost.",
        };
        var (reason, by) = CommonOptions.Decision();
        var without = new Option<string?>("--without")
        {
            Description = "A replica that does not come back and is left out; no more than one can be.",
            HelpName = "NODE",
        };
        var names = new Option<string[]>("--name")
        {
            Description = "Name of a log that metadata does not know any more, as ID=NAME; may be repeated.",
            HelpName = "ID=NAME",
        };
        var command = new Command(
            "accept-restore",
            "End safe mode after metadata were restored from an older state or emptied: epochs, ids and revisions go on above "
            + "all that were given out, and what replicas and objects hold is put back into metadata.")
        {
            accept, loss, reason, by, without, names,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            if (result.GetValue(accept) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
                throw new WoodpeckerException(ErrorKind.Invalid, "--accept needs a --reason.");
            await using var client = Cluster.Find(result.GetValue(CommonOptions.Endpoint)).OpenForWriting(_patience);
            var decision = new AcceptRestoreBody
            {
                Accept = result.GetValue(accept),
                AcceptDataLoss = result.GetValue(loss),
                By = result.GetValue(by),
                Reason = result.GetValue(reason),
                Without = result.GetValue(without) is { } node ? [node] : null,
                Names = ParseNames(result.GetValue(names)),
            };
            var answer = await client.AcceptRestoreAsync(decision, cancellationToken);
            if (CommonOptions.IsJson(result))
                Print.Line(JsonSerializer.Serialize(answer, ControlJson.Default.RestoreDescription));
            else
                Show(answer);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Dictionary<string, string>? ParseNames(string[]? names)
    {
        if (names is not { Length: > 0 })
            return null;
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var at = name.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw new WoodpeckerException(ErrorKind.Invalid, $"--name takes ID=NAME, not '{name}'.");
            result[name[..at]] = name[(at + 1)..];
        }

        return result;
    }

    private static void Show(ClusterDescription cluster)
    {
        Print.Line($"cluster {cluster.ClusterId:N}: {cluster.State}");
        if (cluster.State == "Normal")
            return;
        Print.Line($"  reason: {cluster.Reason}");
        if (cluster.NoticedBy is not null)
            Print.Line(string.Create(CultureInfo.InvariantCulture, $"  noticed by {cluster.NoticedBy} at {cluster.NoticedAt:u}"));
        if (cluster.SeenRevision is not null)
        {
            Print.Line(string.Create(
                CultureInfo.InvariantCulture, $"  metadata were at revision {cluster.Revision}, and {cluster.SeenRevision} was seen before"));
        }

        if (cluster.Problem is not null)
            Print.Line($"  what they lack cannot be told: {cluster.Problem}");
        if (cluster.Restore is { } restore)
            Show(restore);
        Print.Line("  wp cluster accept-restore --accept --reason TEXT ends it");
    }

    private static void Show(RestoreDescription restore)
    {
        Print.Line(restore.IsDone ? "restored; the cluster works again" : "what metadata lack, and accepting would put back:");
        Print.Line($"  asked: {string.Join(", ", restore.Nodes)}");
        foreach (var missing in restore.Missing)
            Print.Line($"  missing: {missing}");
        foreach (var log in restore.Logs)
        {
            Print.Line(string.Create(CultureInfo.InvariantCulture, $"  log {log.LogId} {log.Name}: epoch {log.Epoch}"));
            foreach (var lack in log.Lacks)
                Print.Line($"    {lack}");
            foreach (var note in log.Notes)
                Print.Line($"    note: {note}");
        }

        foreach (var loss in restore.Losses)
            Print.Line($"  {(restore.IsDone ? "given up" : "LOSS")}: {loss}");
        foreach (var problem in restore.Problems)
            Print.Line($"  CONTRADICTION: {problem}");
    }
}
