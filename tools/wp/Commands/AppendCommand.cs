using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Woodpecker.Client;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Input;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp append</c>: text, lines or raw chunks, pipelined, by an idempotent producer.</summary>
internal static class AppendCommand
{
    private const int DefaultChunkSize = 64 * 1024;

    public static Command Create()
    {
        var log = CommonOptions.LogArgument();
        var positional = new Argument<string[]>("TEXT")
        {
            Description = "Entries to append.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var text = new Option<string[]>("--text")
        {
            Description = "An entry to append; may be repeated.",
            HelpName = "TEXT",
        };
        var file = new Option<FileInfo?>("--file") { Description = "Read this file instead of standard input." };
        var raw = new Option<bool>("--raw") { Description = "Cut the input into chunks instead of lines." };
        var chunkSize = CommonOptions.Size("--chunk-size", "Size of the chunks of --raw.", DefaultChunkSize);
        var noCreate = new Option<bool>("--no-create")
        {
            Description = "Fail if the log does not exist, instead of creating it.",
        };
        var mode = LogCommand.ModeOption();
        var producer = new Option<Guid?>("--producer-id")
        {
            Description = "Id of the producer; by default a new one.",
            HelpName = "UUID",
        };
        var epoch = new Option<uint>("--producer-epoch")
        {
            Description = "Epoch of the producer; a higher one fences lower ones.",
        };
        var notIdempotent = new Option<bool>("--no-idempotence")
        {
            Description = "Send without producer fields: nothing is retried.",
        };
        var command = new Command(
            "append",
            "Append entries: TEXT, --text, the lines of --file or of standard input, or --raw chunks of these.")
        {
            log, positional, text, file, raw, chunkSize, noCreate, mode, producer, epoch, notIdempotent,
        };
        command.Runs((result, cancellationToken) =>
        {
            var size = result.GetValue(chunkSize);
            if (size is < 1 or > Limits.DefaultMaxEntrySize)
                throw new WoodpeckerException(
                    ErrorKind.Invalid, $"--chunk-size must be 1 to {Limits.DefaultMaxEntrySize} bytes.");
            var options = new LogWriterOptions
            {
                IsIdempotent = !result.GetValue(notIdempotent),
                ProducerId = result.GetValue(producer),
                ProducerEpoch = result.GetValue(epoch),
                RetryPatience = result.GetValue(CommonOptions.Timeout),
            };
            string[] texts = [.. result.GetValue(positional) ?? [], .. result.GetValue(text) ?? []];
            var input = new AppendInput(texts, result.GetValue(file), result.GetValue(raw) ? (int)size : null);
            return RunAsync(
                result, result.GetValue(log)!, input, options, result.GetValue(noCreate), result.GetValue(mode),
                cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult result, string log, AppendInput input, LogWriterOptions options, bool noCreate, LogMode mode,
        CancellationToken cancellationToken)
    {
        using var source = input.Open();
        var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
        await using var client = cluster.OpenForWriting(result.GetValue(CommonOptions.Timeout));
        if (!noCreate)
            await EnsureLogAsync(client, log, mode, cancellationToken);
        var time = TimeProvider.System;
        var progress = new ProgressLine($"appending to {log}", source.TotalBytes, time);
        var pump = new AppendPump(log, progress, time);
        var summary = await pump.RunAsync(client, options, source.ReadAsync(cancellationToken), cancellationToken);
        if (CommonOptions.IsJson(result))
            Print.Line(JsonSerializer.Serialize(summary, ToolJson.Default.AppendSummary));
        else
            Print.Line(Describe(summary));
        return ExitCode.Ok;
    }

    private static async Task EnsureLogAsync(
        WoodpeckerClient client, string log, LogMode mode, CancellationToken cancellationToken)
    {
        try
        {
            var created = await client.CreateLogAsync(log, new LogOptions { Mode = mode }, cancellationToken);
            if (created.IsNew)
                await Console.Error.WriteLineAsync($"created log {log} ({created.Description.Mode})");
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Conflict)
        {
            // It exists, with settings of its own: as good for appending.
        }
    }

    private static string Describe(AppendSummary summary) => summary.Entries == 0
        ? "nothing to append"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"appended {summary.Entries} entries ({summary.Bytes} bytes) to {summary.Log} ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"at offsets {summary.FirstOffset}..{summary.LastOffset} in {summary.Seconds:F2} s ")
            + $"({summary.Durability})";
}
