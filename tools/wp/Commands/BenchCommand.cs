using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Woodpecker.Client;
using Woodpecker.Tool.Benchmark;
using Woodpecker.Tool.Connection;
using Woodpecker.Tool.Output;

namespace Woodpecker.Tool.Commands;

/// <summary><c>wp bench</c>: figures of a running system, with everything they depend on.</summary>
internal static class BenchCommand
{
    private const int DefaultInFlight = 4_096;

    public static Command Create() => new("bench", "Measure appends and reads; -o json adds the raw latency counts.")
    {
        CreateAppend(), CreateRead(),
    };

    private static Command CreateAppend()
    {
        var log = new Option<string>("--log")
        {
            Description = "Log to append to; created if absent.",
            DefaultValueFactory = static _ => "bench",
        };
        var size = CommonOptions.Size("--size", "Payload of an entry.", 1024);
        var inFlight = new Option<int>("--in-flight")
        {
            Description = "Entries under way at once.",
            DefaultValueFactory = static _ => DefaultInFlight,
        };
        var duration = CommonOptions.Duration("--duration", "How long to append.", TimeSpan.FromSeconds(10));
        var lone = new Option<int>("--lone")
        {
            Description = "Entries appended one at a time beforehand; 0 for none.",
            DefaultValueFactory = static _ => 200,
        };
        var mode = LogCommand.ModeOption();
        var command = new Command("append", "Measure appends to one log.")
        {
            log, size, inFlight, duration, lone, mode,
        };
        command.Runs(async (result, cancellationToken) =>
        {
            var name = result.GetValue(log)!;
            var entrySize = result.GetValue(size);
            var most = result.GetValue(inFlight);
            if (entrySize is < 0 or > Limits.DefaultMaxEntrySize || most is < 1 or > 1_000_000)
                throw new WoodpeckerException(
                    ErrorKind.Invalid, "--size must fit an entry, --in-flight be 1 to 1000000.");
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            await using var client = cluster.OpenForWriting(result.GetValue(CommonOptions.Timeout));
            var description = await EnsureLogAsync(client, name, result.GetValue(mode), cancellationToken);
            var bench = new AppendBench(client, name, (int)entrySize, TimeProvider.System);
            var progress = new ProgressLine("appending", null, TimeProvider.System);
            var loneCount = result.GetValue(lone);
            var loneLatencies = loneCount > 0 ? await bench.RunLoneAsync(loneCount, cancellationToken) : null;
            var before = ProcessUsage.Snapshot(cluster.Path);
            var (latencies, elapsed) = await bench.RunPipelinedAsync(
                result.GetValue(duration), most, progress.Report, cancellationToken);
            progress.Clear();
            Write(result, new BenchResult
            {
                Kind = "append",
                Log = name,
                Mode = description,
                Durability = bench.Durability,
                Transport = cluster.File?.Transport ?? "Dapr",
                EntrySize = entrySize,
                InFlight = most,
                Seconds = elapsed.TotalSeconds,
                Entries = latencies.Count,
                Bytes = latencies.Count * entrySize,
                Latency = Latencies.Of(latencies),
                Lone = loneLatencies is null ? null : Latencies.Of(loneLatencies),
                Usage = ProcessUsage.Since(before),
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateRead()
    {
        var log = new Option<string>("--log")
        {
            Description = "Log to read.",
            DefaultValueFactory = static _ => "bench",
        };
        var from = CommonOptions.Number("--from", "First offset.", "OFFSET", Limits.MaxOffset);
        var duration = CommonOptions.Duration("--duration", "How long to read at most.", TimeSpan.FromSeconds(10));
        var command = new Command("read", "Measure reading one log from an offset to its end.") { log, from, duration };
        command.Runs(async (result, cancellationToken) =>
        {
            var time = TimeProvider.System;
            var cluster = Cluster.Find(result.GetValue(CommonOptions.Endpoint));
            await using var client = cluster.OpenForReading(result.GetValue(CommonOptions.Timeout));
            var progress = new ProgressLine("reading", null, time);
            var batches = new LatencyHistogram();
            var before = ProcessUsage.Snapshot(cluster.Path);
            var start = time.GetTimestamp();
            var last = start;
            long entries = 0, bytes = 0;
            var options = new ReadOptions { From = new Offset(result.GetValue(from)) };
            await foreach (var batch in client.ReadBatchesAsync(result.GetValue(log)!, options, cancellationToken))
            {
                foreach (var entry in batch.Entries)
                    bytes += entry.Payload.Length;
                entries += batch.Entries.Count;
                batches.Add(time.GetElapsedTime(last));
                last = time.GetTimestamp();
                progress.Report(entries, bytes);
                if (time.GetElapsedTime(start) > result.GetValue(duration))
                    break;
            }

            progress.Clear();
            Write(result, new BenchResult
            {
                Kind = "read",
                Log = result.GetValue(log)!,
                Transport = cluster.File?.Transport ?? "Dapr",
                Seconds = time.GetElapsedTime(start, last).TotalSeconds,
                Entries = entries,
                Bytes = bytes,
                Latency = Latencies.Of(batches),
                Usage = ProcessUsage.Since(before),
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<string> EnsureLogAsync(
        WoodpeckerClient client, string log, LogMode mode, CancellationToken cancellationToken)
    {
        try
        {
            var created = await client.CreateLogAsync(log, new LogOptions { Mode = mode }, cancellationToken);
            return created.Description.Mode;
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Conflict)
        {
            return (await client.DescribeLogAsync(log, cancellationToken)).Mode;
        }
    }

    private static void Write(ParseResult result, BenchResult bench)
    {
        if (CommonOptions.IsJson(result))
        {
            Print.Line(JsonSerializer.Serialize(bench, ToolJson.Default.BenchResult));
            return;
        }

        var table = new Table().AddColumns("Measure", "Value");
        void Row(string label, string value) => table.AddRow(label, Markup.Escape(value));
        var target = bench.Mode is null ? bench.Transport : $"{bench.Mode}, {bench.Durability}, {bench.Transport}";
        Row(bench.Kind, $"{bench.Log} ({target})");
        Row("entries", Text(bench.Entries, bench.EntrySize is { } size ? $" of {size} bytes" : ""));
        Row("time", string.Create(CultureInfo.InvariantCulture, $"{bench.Seconds:F2} s"));
        Row("rate", string.Create(
            CultureInfo.InvariantCulture,
            $"{bench.MegabytesPerSecond:F1} MB/s, {bench.EntriesPerSecond:F0} entries/s"));
        Row(bench.Kind == "read" ? "batch" : "latency", Text(bench.Latency));
        if (bench.Lone is not null)
            Row("lone append", Text(bench.Lone));
        AnsiConsole.Write(table);
        var usage = new Table().AddColumns("Process", "CPU s", "CPU cores", "RSS MB");
        foreach (var process in bench.Usage ?? [])
        {
            usage.AddRow(
                Markup.Escape(process.Name),
                Text(process.CpuSeconds, "F2"),
                Text(process.CpuSeconds / bench.Seconds, "F2"),
                Text(process.ResidentMegabytes, "F0"));
        }

        AnsiConsole.Write(usage);
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(long value, string suffix) => value.ToString(CultureInfo.InvariantCulture) + suffix;

    private static string Text(Latencies? latencies) => latencies is null
        ? "-"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"p50 {latencies.P50:F2} ms, p90 {latencies.P90:F2} ms, p99 {latencies.P99:F2} ms, ")
            + string.Create(CultureInfo.InvariantCulture, $"max {latencies.Max:F2} ms");
}
