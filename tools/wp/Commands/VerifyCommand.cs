using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Woodpecker.Client;
using Woodpecker.Reading;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary>What <c>wp verify</c> ends with.</summary>
internal sealed record VerifySummary(
    string Log, ulong From, ulong To, ulong Entries, ulong Bytes, string SetHash, ulong Findings, ulong Damaged,
    ulong Unreachable);

/// <summary><c>wp verify</c>: reads a whole log once more and checks everything there is to check.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var log = CommonOptions.LogArgument();
        var sources = new Option<string>("--sources")
        {
            Description = "One good copy of every entry (any), or every copy (all).",
            DefaultValueFactory = static _ => "any",
        };
        sources.AcceptOnlyFromAmong("any", "all");
        var copies = new Option<bool>("--copies") { Description = "Also print a line for every copy that is good." };
        var command = new Command(
            "verify",
            "Read a log from its first to its last entry and check block, frame and entry checksums, continuity, and the "
            + "chain of every segment against the sealed one. Exit code 7 if anything is damaged or gone, 3 if a copy "
            + "could not be asked.")
        {
            log, sources, copies,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            await using var client = cluster.OpenForReading(result.GetValue(CommonOptions.Timeout));
            var isJson = CommonOptions.IsJson(result);
            var summary = await RunAsync(
                client, result.GetValue(log)!, result.GetValue(sources) == "all", result.GetValue(copies), isJson,
                cancellationToken);
            Print.Line(isJson ? JsonSerializer.Serialize(summary, ToolJson.Default.VerifySummary) : Describe(summary));
            return summary.Damaged > 0 ? ExitCode.Data : summary.Findings > 0 ? ExitCode.Unavailable : ExitCode.Ok;
        });
        return command;
    }

    private static async Task<VerifySummary> RunAsync(
        WoodpeckerClient client, string log, bool isEverySource, bool showsCopies, bool isJson,
        CancellationToken cancellationToken)
    {
        var progress = new ProgressLine($"verifying {log}", null, TimeProvider.System);
        ulong damaged = 0, unreachable = 0;
        await foreach (var step in client.VerifyAsync(log, isEverySource, cancellationToken))
        {
            switch (step.Kind)
            {
                case VerifyStepKind.Progress:
                    progress.Report((long)step.Entries, (long)step.Bytes);
                    break;
                case VerifyStepKind.Copy when showsCopies && !isJson:
                    progress.Clear();
                    Print.Line(string.Create(CultureInfo.InvariantCulture, $"good: segment {step.Segment} in {step.Source}, {Range(step)}, {step.Entries} entries, {step.SetHash}"));
                    break;
                case VerifyStepKind.Lost:
                    progress.Clear();
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"wp: lost by declaration: {Range(step)}"));
                    break;
                case VerifyStepKind.Finding:
                    progress.Clear();
                    if (step.Problem == ErrorKind.Unavailable)
                        unreachable++;
                    else
                        damaged++;
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                        $"wp: {step.Problem}{(step.IsUnreadable ? ", no good copy" : "")}: segment {step.Segment} in "
                        + $"{step.Source}, {Range(step)}: {step.Detail}"));
                    break;
                case VerifyStepKind.Summary:
                    progress.Clear();
                    return new VerifySummary(
                        log, step.From.Value, step.To.Value, step.Entries, step.Bytes, step.SetHash, step.Findings,
                        damaged, unreachable);
            }
        }

        throw new WoodpeckerException(ErrorKind.Unavailable, "The verification broke off before its end; it proves nothing.");
    }

    private static string Range(VerifyStep step) =>
        step.To > step.From ? string.Create(CultureInfo.InvariantCulture, $"offsets {step.From} to {step.To + -1}") : string.Create(CultureInfo.InvariantCulture, $"offset {step.From}");

    private static string Describe(VerifySummary summary) => string.Create(CultureInfo.InvariantCulture,
        $"{(summary.Findings == 0 ? "verified" : "NOT verified")}: {summary.Entries} entries, {summary.Bytes} bytes, "
        + $"offsets {summary.From} to {summary.To} (excluded), set hash {summary.SetHash}, {summary.Findings} findings");
}
