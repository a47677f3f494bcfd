using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp log</c>: create, list, describe, delete, truncate.</summary>
internal static class LogCommand
{
    public static Command Create() => new("log", "Create, list, describe, delete and truncate logs.")
    {
        CreateCreate(), CreateList(), CreateDescribe(), CreateDelete(), CreateTruncate(),
    };

    /// <summary>The option for a log's mode.</summary>
    public static Option<LogMode> ModeOption() => new("--mode")
    {
        Description = "Where entries become durable: quorumBuffer (replicas) or memoryBuffer (object store).",
        DefaultValueFactory = static _ => LogMode.QuorumBuffer,
    };

    private static Command CreateCreate()
    {
        var name = CommonOptions.LogArgument();
        var mode = ModeOption();
        var segmentBytes = CommonOptions.OptionalSize("--segment-bytes", "Size at which a segment rolls.");
        var segmentAge = CommonOptions.OptionalDuration("--segment-age", "Age at which a segment rolls.");
        var linger = CommonOptions.OptionalDuration("--linger", "memoryBuffer: how long a slot collects entries.");
        var retentionBytes = CommonOptions.OptionalSize(
            "--retention-bytes", "Size beyond which the oldest segments go.");
        var retentionAge = CommonOptions.OptionalDuration("--retention-age", "Age at which segments go.");
        var requireToken = new Option<bool>("--require-token")
        {
            Description = "Refuse appends without the fencing token once one is set.",
        };
        var onProvenLoss = new Option<LossPolicy>("--on-proven-loss")
        {
            Description = "When stores with acknowledged entries are lost for good: block until an operator decides, "
                + "or declare the loss and go on.",
        };
        var command = new Command("create", "Create a log; an existing one with the same settings is fine.")
        {
            name, mode, segmentBytes, segmentAge, linger, retentionBytes, retentionAge, requireToken,
            onProvenLoss,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var options = new LogOptions
            {
                Mode = result.GetValue(mode),
                SegmentBytes = result.GetValue(segmentBytes),
                SegmentAge = result.GetValue(segmentAge),
                Linger = result.GetValue(linger),
                RetentionBytes = result.GetValue(retentionBytes),
                RetentionAge = result.GetValue(retentionAge),
                RequireToken = result.GetValue(requireToken),
                OnProvenLoss = result.GetValue(onProvenLoss),
            };
            var created = await client.CreateLogAsync(result.GetValue(name)!, options, cancellationToken);
            var what = created.IsNew ? "created" : "exists";
            if (CommonOptions.IsJson(result))
                WriteJson(created.Description);
            else
                Print.Line($"{what}: {created.Description.Name} ({created.Description.Mode})");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateList()
    {
        var command = new Command("list", "List all logs.");
        command.Runs(static async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var logs = new List<LogDescription>();
            await foreach (var log in client.ListLogsAsync(cancellationToken: cancellationToken))
                logs.Add(log);
            if (CommonOptions.IsJson(result))
            {
                Print.Line(JsonSerializer.Serialize(new LogList { Logs = logs }, ControlJson.Default.LogList));
                return ExitCode.Ok;
            }

            var table = new Table().AddColumns("Name", "Mode", "First", "Sealed to", "Owner", "Epoch");
            foreach (var log in logs)
            {
                table.AddRow(
                    Markup.Escape(log.Name), log.Mode, Text(log.FirstOffset), Text(log.NextOffset), log.Owner ?? "-",
                    Text(log.Epoch));
            }

            AnsiConsole.Write(table);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateDescribe()
    {
        var name = CommonOptions.LogArgument();
        var command = new Command("describe", "Show a log's settings, segments and visible end.") { name };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var log = await client.DescribeLogAsync(result.GetValue(name)!, cancellationToken);
            if (CommonOptions.IsJson(result))
                WriteJson(log);
            else
                Show(log);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateDelete()
    {
        var name = CommonOptions.LogArgument();
        var command = new Command("delete", "Delete a log with all its entries.") { name };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(result.GetValue(CommonOptions.Timeout));
            try
            {
                await client.DeleteLogAsync(result.GetValue(name)!, deadline.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new WoodpeckerException(
                    ErrorKind.Indeterminate,
                    "the log is marked as deleted, but too few replicas have confirmed it; repeat the command");
            }

            Print.Line($"deleted: {result.GetValue(name)}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateTruncate()
    {
        var name = CommonOptions.LogArgument();
        var offset = CommonOptions.NumberArgument("OFFSET", "First offset to keep.", Limits.MaxOffset);
        var command = new Command("truncate", "Remove all entries below an offset.") { name, offset };
        command.Runs(async (result, cancellationToken) =>
        {
            await using var client = Open(result);
            var first = await client.TruncateAsync(
                result.GetValue(name)!, new Offset(result.GetValue(offset)), cancellationToken);
            Print.Line(string.Create(CultureInfo.InvariantCulture, $"first offset: {first.Value}"));
            return ExitCode.Ok;
        });
        return command;
    }

    private static WoodpeckerClient Open(ParseResult result) =>
        Cluster.Find(result.GetValue(CommonOptions.Endpoint)).OpenForWriting(result.GetValue(CommonOptions.Timeout));

    private static void Show(LogDescription log)
    {
        var grid = new Grid().AddColumns(2);
        void Row(string label, string? value) => grid.AddRow(label, Markup.Escape(value ?? "-"));
        Row("Name", log.Name);
        Row("Id", Text(log.Id));
        Row("Mode", log.Fence is null ? log.Mode : $"{log.Mode} (fence {log.Fence})");
        Row("State", log.State);
        Row("First offset", Text(log.FirstOffset));
        Row("Visible end", Text(log.NextOffset));
        Row("Owner", log.Owner is null ? null : $"{log.Owner} (epoch {Text(log.Epoch)})");
        Row("Segment size", Text((ulong?)log.Settings?.SegmentBytes));
        Row("Segment age", log.Settings?.SegmentAge);
        Row("Retention age", log.Settings?.RetentionAge);
        Row("Retention bytes", Text((ulong?)log.Settings?.RetentionBytes));
        AnsiConsole.Write(grid);
        var table = new Table().AddColumns("Segment", "State", "Epoch", "Base", "Entries", "Members");
        var losses = new List<string>();
        foreach (var segment in log.Segments ?? [])
        {
            var id = segment.LastId is { } last ? $"{Text(segment.Id)}-{Text(last)}" : Text(segment.Id);
            var members = segment.Members is null ? "-" : string.Join(' ', segment.Members);
            if (segment.Lost is { } lost)
                losses.Add($"lost: offsets {Text(lost.From)} to {Text(lost.To)}, after segment {id}");
            table.AddRow(
                id, segment.State, Text(segment.Epoch), Text(segment.BaseOffset), Text(segment.EntryCount),
                Markup.Escape(members));
        }

        AnsiConsole.Write(table);
        losses.ForEach(Print.Line);
        foreach (var segment in log.Segments ?? [])
        {
            if (segment.Damage is { } damage)
                AnsiConsole.MarkupLine($"[red]Segment {Text(segment.Id)} is damaged:[/] {Markup.Escape(damage)}");
        }
    }

    private static void WriteJson(LogDescription log) =>
        Print.Line(JsonSerializer.Serialize(log, ControlJson.Default.LogDescription));

    private static string Text(ulong? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
