using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Services;
using Woodpecker.Writing;

namespace Woodpecker.Writer.Control;

/// <summary>An append over HTTP: the body's entries and the headers' facts. Sizes are checked before memory is taken.</summary>
internal static class AppendRequestReader
{
    // JSON carries payloads as base64 or escaped text; this bounds the text of the largest legal batch.
    private const int MaxTextSize = Limits.DefaultMaxBatchSize * 3 / 2 + Limits.MaxBatchEntries * 1024;

    /// <summary>Reads the request; Invalid names what is wrong with it.</summary>
    public static async ValueTask<(List<NewEntry> Entries, BatchFacts Facts)> ReadAsync(
        HttpRequest request, CancellationToken cancellationToken)
    {
        var entries = MediaType(request) switch
        {
            MediaTypes.NdJson => ParseLines(await RequestBody.ReadAsync(request, MaxTextSize, cancellationToken)),
            MediaTypes.Json => ParseJson(await RequestBody.ReadAsync(request, MaxTextSize, cancellationToken)),
            MediaTypes.Octets or "" => [new NewEntry(await RequestBody.ReadAsync(request, Limits.DefaultMaxEntrySize, cancellationToken))],
            var other => throw Problems.Invalid(
                $"Content-Type '{other}' is not understood; send {MediaTypes.Octets}, {MediaTypes.Json} or {MediaTypes.NdJson}.",
                "UnsupportedMediaType"),
        };
        CheckSizes(entries);
        return (entries, ReadFacts(request.Headers, entries.Count));
    }

    private static string MediaType(HttpRequest request)
    {
        var type = request.ContentType ?? "";
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant();
    }

    private static List<NewEntry> ParseJson(byte[] body)
    {
        var parsed = JsonSerializer.Deserialize(body, ControlJson.Default.NewEntriesBody)
            ?? throw Problems.Invalid("The body is null; send { \"entries\": [ ... ] }.");
        if (parsed.Entries is null)
            throw Problems.Invalid("'entries' is null; send { \"entries\": [ ... ] }.");
        var entries = new List<NewEntry>(parsed.Entries.Count);
        foreach (var entry in parsed.Entries)
            entries.Add(EntryMapping.ToNewEntry(entry));
        return entries;
    }

    private static List<NewEntry> ParseLines(byte[] body)
    {
        var entries = new List<NewEntry>();
        var rest = body.AsSpan();
        for (var line = 1; !rest.IsEmpty; line++)
        {
            var end = rest.IndexOf((byte)'\n');
            var text = (end < 0 ? rest : rest[..end]).Trim("\r \t"u8);
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (text.IsEmpty)
                continue;
            try
            {
                var entry = JsonSerializer.Deserialize(text, ControlJson.Default.NewEntryBody);
                entries.Add(EntryMapping.ToNewEntry(entry ?? throw Problems.Invalid("an entry is null")));
            }
            catch (Exception e) when (e is JsonException or WoodpeckerException)
            {
                throw Problems.Invalid($"Line {line} is not an entry: {e.Message}");
            }
        }

        return entries;
    }

    private static void CheckSizes(List<NewEntry> entries)
    {
        if (entries.Count is 0 or > Limits.MaxBatchEntries)
            throw Problems.Invalid($"A batch has 1 to {Limits.MaxBatchEntries} entries; this one has {entries.Count}.");
        long total = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            var size = entries[i].Payload.Length;
            total += size;
            if (size > Limits.DefaultMaxEntrySize)
            {
                throw Problems.Invalid(
                    $"Entry {i} has {size} bytes; the limit is {Limits.DefaultMaxEntrySize}.", "TooLarge");
            }
        }

        if (total > Limits.DefaultMaxBatchSize)
            throw Problems.Invalid($"The batch has {total} bytes; the limit is {Limits.DefaultMaxBatchSize}.", "TooLarge");
    }

    private static BatchFacts ReadFacts(IHeaderDictionary headers, int count)
    {
        var id = Single(headers, ControlHeaders.ProducerId);
        var epoch = Single(headers, ControlHeaders.ProducerEpoch);
        var sequence = Single(headers, ControlHeaders.Sequence);
        ProducerStamp? stamp = null;
        if (id is not null || epoch is not null || sequence is not null)
        {
            if (!Guid.TryParse(id, out var producer))
                throw WrongProducer(ControlHeaders.ProducerId, id, "a UUID");
            if (!Problems.TryParseNumber(epoch, uint.MaxValue, out var producerEpoch))
                throw WrongProducer(ControlHeaders.ProducerEpoch, epoch, $"a number up to {uint.MaxValue}");
            if (!Problems.TryParseNumber(sequence, ulong.MaxValue, out var first))
                throw WrongProducer(ControlHeaders.Sequence, sequence, $"a number up to {ulong.MaxValue}");
            stamp = new ProducerStamp(producer, (uint)producerEpoch, first);
        }

        Offset? expected = null;
        if (Single(headers, ControlHeaders.ExpectedOffset) is { } text)
        {
            if (!Problems.TryParseNumber(text, Limits.MaxOffset, out var value))
                throw Problems.Invalid($"{ControlHeaders.ExpectedOffset} is '{text}'; it must be a number up to {Limits.MaxOffset}.");
            expected = new Offset(value);
        }

        // The batch checks the tokens and the sequence as a whole.
        var token = Single(headers, ControlHeaders.FencingToken);
        var setToken = Single(headers, ControlHeaders.SetFencingToken);
        return new BatchFacts(count, stamp, expected, token, setToken);
    }

    private static WoodpeckerException WrongProducer(string header, string? text, string what) => Problems.Invalid(
        $"{header} is {(text is null ? "missing" : $"'{text}'")}; an idempotent append needs {ControlHeaders.ProducerId}, "
        + $"{ControlHeaders.ProducerEpoch} and {ControlHeaders.Sequence}, and this one must be {what}.");

    private static string? Single(IHeaderDictionary headers, string name)
    {
        if (!headers.TryGetValue(name, out var values) || values.Count == 0)
            return null;
        return values.Count == 1 ? values[0] : throw Problems.Invalid($"The header {name} is given {values.Count} times.");
    }
}
