namespace Woodpecker.Protocol.Control;

/// <summary>An entry as JSON, NDJSON and server-sent events show it.</summary>
public sealed record EntryBody
{
    /// <summary>Its place in the log.</summary>
    public ulong Offset { get; init; }

    /// <summary>Microseconds since 1970 UTC, by the writer's clock.</summary>
    public long Timestamp { get; init; }

    /// <summary>The bytes, base64; absent where <see cref="Text"/> stands for them.</summary>
    public byte[]? Payload { get; init; }

    /// <summary>The bytes as text: only if asked for by <c>format=text</c>, and only if they are valid UTF-8.</summary>
    public string? Text { get; init; }

    /// <summary>What was attached; absent if nothing.</summary>
    public IReadOnlyList<HeaderBody>? Headers { get; init; }

    /// <summary>The producer's stamp, if it had one.</summary>
    public ProducerBody? Producer { get; init; }
}
