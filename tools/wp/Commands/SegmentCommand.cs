using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp segment</c>: decisions about segments that only a person may take.</summary>
internal static class SegmentCommand
{
    public static Command Create() => new("segment", "For operators: seal a segment whose replicas are lost.")
    {
        CreateForceSeal(),
    };

    private static Command CreateForceSeal()
    {
        var name = CommonOptions.LogArgument();
        var segment = CommonOptions.NumberArgument("SEGMENT", "Number of the segment; wp log describe shows it.", ulong.MaxValue);
        var accept = new Option<bool>("--accept-data-loss")
        {
            Description = "Give up what was confirmed and cannot be found. Without it, only what that would be is told.",
        };
        var (reason, by) = CommonOptions.Decision();
        var command = new Command(
            "force-seal",
            "Seal what is left of the unsealed segment of a log that cannot be recovered. The log goes on at an offset "
            + "that was never used; readers are told the lost range once.")
        {
            name, segment, accept, reason, by,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            if (result.GetValue(accept) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
                throw new WoodpeckerException(ErrorKind.Invalid, "--accept-data-loss needs a --reason.");
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            await using var client = cluster.OpenForWriting(result.GetValue(CommonOptions.Timeout));
            var decision = new ForceSealBody
            {
                AcceptDataLoss = result.GetValue(accept),
                By = result.GetValue(by),
                Reason = result.GetValue(reason),
            };
            var answer = await client.ForceSealAsync(
                result.GetValue(name)!, result.GetValue(segment), decision, cancellationToken);
            Show(result, answer);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(ParseResult result, ForceSealAnswer answer)
    {
        if (CommonOptions.IsJson(result))
        {
            Print.Line(JsonSerializer.Serialize(answer, ControlJson.Default.ForceSealAnswer));
            return;
        }

        Print.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"sealed: segment {answer.Segment} keeps {answer.EntryCount} entries; offsets {answer.Lost.From} to "
            + $"{answer.Lost.To} are declared lost; the log goes on at {answer.NextOffset}"));
        foreach (var member in answer.Members ?? [])
            Print.Line($"  {member}");
    }
}
