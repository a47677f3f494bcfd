using System.Globalization;
using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Reading;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Reader.Http;

/// <summary>
/// Server-sent events: one event per entry with its offset as id, so that a browser's <c>Last-Event-ID</c> resumes
/// behind it; comments as heartbeats; a last event <c>error</c> with problem details.
/// </summary>
internal static class EntryStream
{
    private static ReadOnlyMemory<byte> Heartbeat => ": at the tail\n\n"u8.ToArray();

    /// <summary>Sends entries until the client leaves, the limit is reached or reading fails.</summary>
    public static async Task WriteAsync(
        HttpResponse response, ReaderLease lease, ReadQuery query, ulong limit, TimeSpan heartbeat,
        CancellationToken cancellationToken)
    {
        response.ContentType = MediaTypes.Events;
        response.Headers.CacheControl = "no-store";
        await response.StartAsync(cancellationToken);
        var limits = new ReadLimits(Limits.MaxReadEntries, query.MaxBytes);
        await using var ahead = Prefetcher.Start(lease.Reader, query.From, limits, heartbeat, limit);
        while (await ahead.NextAsync(cancellationToken) is { } outcome)
        {
            if (outcome.Kind == ReadOutcomeKind.Entries)
                WriteEntries(response, outcome.Entries, query.AsText);
            else if (ReadMapping.ToFailure(outcome, lease.Name) is { } failure)
                WriteEvent(response, "event: error\ndata: ", JsonSerializer.SerializeToUtf8Bytes(
                    ProblemMapping.ToProblem(failure), ControlJson.Default.ProblemBody));
            else
                await response.BodyWriter.WriteAsync(Heartbeat, cancellationToken);
            await response.BodyWriter.FlushAsync(cancellationToken);
        }
    }

    private static void WriteEntries(HttpResponse response, IReadOnlyList<LogEntry> entries, bool asText)
    {
        foreach (var entry in entries)
        {
            var head = string.Create(CultureInfo.InvariantCulture, $"id: {entry.Offset.Value}\ndata: ");
            var body = EntryMapping.ToBody(entry, asText);
            WriteEvent(response, head, JsonSerializer.SerializeToUtf8Bytes(body, ControlJson.Default.EntryBody));
        }
    }

    // JSON has no line breaks here, so one data line is enough.
    private static void WriteEvent(HttpResponse response, string head, byte[] json)
    {
        var span = response.BodyWriter.GetSpan(head.Length + json.Length + 2);
        var length = System.Text.Encoding.ASCII.GetBytes(head, span);
        json.CopyTo(span[length..]);
        length += json.Length;
        "\n\n"u8.CopyTo(span[length..]);
        response.BodyWriter.Advance(length + 2);
    }
}
