using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Reading;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp read</c>: payloads as lines, raw bytes, or one JSON document per entry.</summary>
internal static class ReadCommand
{
    public static Command Create()
    {
        var log = CommonOptions.LogArgument();
        var from = CommonOptions.Number("--from", "First offset.", "OFFSET", Limits.MaxOffset);
        var limit = new Option<long?>("--limit") { Description = "Most entries.", HelpName = "COUNT" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Wait for entries to come." };
        var raw = new Option<bool>("--raw")
        {
            Description = "Write the payloads one after the other, without line ends.",
        };
        var offsets = new Option<bool>("--offsets") { Description = "Put offset and time before each line." };
        var skipLost = new Option<bool>("--skip-lost")
        {
            Description = "Go on behind a range that is declared lost, with a line on standard error.",
        };
        var command = new Command("read", "Read entries to standard output; -o json writes one document per line.")
        {
            log, from, limit, follow, raw, offsets, skipLost,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            if (result.GetValue(limit) is < 0)
                throw new WoodpeckerException(ErrorKind.Invalid, "--limit must not be negative.");
            var options = new ReadOptions
            {
                From = new Offset(result.GetValue(from)),
                MaxEntries = result.GetValue(limit),
                Follow = result.GetValue(follow),
                SkipsDeclaredLoss = result.GetValue(skipLost),
                RetryPatience = result.GetValue(CommonOptions.Timeout),
            };
            Action<Stream, LogEntry> write = result.GetValue(raw) ? WriteRaw
                : CommonOptions.IsJson(result) ? WriteJson
                : result.GetValue(offsets) ? WriteWithOffset
                : WriteLine;
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            await using var client = cluster.OpenForReading(result.GetValue(CommonOptions.Timeout));
            return await RunAsync(client, result.GetValue(log)!, options, write, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        WoodpeckerClient client, string log, ReadOptions options, Action<Stream, LogEntry> write,
        CancellationToken cancellationToken)
    {
        await using var output = new BufferedStream(Console.OpenStandardOutput(), 256 * 1024);
        var progress = Console.IsOutputRedirected
            ? new ProgressLine($"reading {log}", null, TimeProvider.System)
            : null;
        long entries = 0, bytes = 0;
        await foreach (var batch in client.ReadBatchesAsync(log, options, cancellationToken))
        {
            if (batch.Lost is { } lost)
                await TellAsync(output, log, lost, cancellationToken);
            foreach (var entry in batch.Entries)
            {
                write(output, entry);
                bytes += entry.Payload.Length;
            }

            entries += batch.Entries.Count;
            // At the tail, whoever reads along gets what there is.
            if (options.Follow && batch.Entries.Count > 0)
                await output.FlushAsync(cancellationToken);
            progress?.Report(entries, bytes);
        }

        await output.FlushAsync(cancellationToken);
        progress?.Clear();
        return ExitCode.Ok;
    }

    private static async Task TellAsync(
        Stream output, string log, LostOffsets lost, CancellationToken cancellationToken)
    {
        // What came before the gap stands before the line about it.
        await output.FlushAsync(cancellationToken);
        await Console.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"wp: DATA LOSS: offsets {lost.From} to {lost.To} of '{log}' are declared lost"));
    }

    private static void WriteRaw(Stream output, LogEntry entry) => output.Write(entry.Payload.Span);

    private static void WriteLine(Stream output, LogEntry entry)
    {
        output.Write(entry.Payload.Span);
        output.WriteByte((byte)'\n');
    }

    private static void WriteWithOffset(Stream output, LogEntry entry)
    {
        var time = DateTimeOffset.UnixEpoch.AddMicroseconds(entry.Timestamp);
        var head = string.Create(
            CultureInfo.InvariantCulture, $"{entry.Offset.Value}\t{time:yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'}\t");
        output.Write(Encoding.ASCII.GetBytes(head));
        WriteLine(output, entry);
    }

    private static void WriteJson(Stream output, LogEntry entry)
    {
        JsonSerializer.Serialize(output, EntryMapping.ToBody(entry, asText: true), ControlJson.Default.EntryBody);
        output.WriteByte((byte)'\n');
    }
}
