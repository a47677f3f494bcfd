namespace Woodpecker.Format.Entries;

/// <summary>One entry as ingress hands it to <see cref="FrameWriter"/>. Buffers are borrowed until the frame is written.</summary>
public readonly struct EntryToWrite
{
    /// <summary>The payload; may be empty.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Fencing token and headers, encoded; <c>default</c> if none.</summary>
    public EntryAttributes Attributes { get; init; }

    /// <summary>Microseconds since 1970 UTC, by the writer's clock.</summary>
    public long Timestamp { get; init; }

    /// <summary>The producer stamp, or null.</summary>
    public ProducerStamp? Stamp { get; init; }

    /// <summary>CRC32C of the payload if already known and checked (W2); otherwise it is computed.</summary>
    public uint? PayloadCrc { get; init; }

    /// <summary>Whether the entry is the first of its client batch.</summary>
    public bool IsFirstOfBatch { get; init; }

    /// <summary>Whether the entry is the last of its client batch.</summary>
    public bool IsLastOfBatch { get; init; }

    /// <summary>Upper bound of the encoded size in a frame, its share of the producer table included, in bytes.</summary>
    public int MaxEncodedSize =>
        Payload.Length + Attributes.Encoded.Length + EntryHeader.MaxFixedSize + (Stamp is null ? 0 : ProducerTable.MaxRowSize);

    internal EntryFlags Flags =>
        Attributes.Flags
        | (Stamp is null ? 0 : EntryFlags.Producer)
        | (IsFirstOfBatch ? EntryFlags.FirstOfBatch : 0)
        | (IsLastOfBatch ? EntryFlags.LastOfBatch : 0);
}
