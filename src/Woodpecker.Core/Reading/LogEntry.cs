namespace Woodpecker.Reading;

/// <summary>One entry as a reader gets it, after every check (INV-30).</summary>
/// <param name="Offset">Its place in the log.</param>
/// <param name="Timestamp">Microseconds since 1970 UTC by the writer's clock; not decreasing along the log.</param>
/// <param name="Payload">
/// The bytes as appended. A slice of a larger buffer that lives as long as someone holds the slice.
/// </param>
/// <param name="Headers">What the caller attached; empty, not null, if nothing.</param>
/// <param name="Producer">The idempotent producer's stamp, if it had one.</param>
public readonly record struct LogEntry(
    Offset Offset,
    long Timestamp,
    ReadOnlyMemory<byte> Payload,
    IReadOnlyList<EntryHeaderField> Headers,
    ProducerStamp? Producer);
