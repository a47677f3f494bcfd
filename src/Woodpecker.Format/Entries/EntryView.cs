namespace Woodpecker.Format.Entries;

/// <summary>One verified entry inside the buffer of a frame or block; valid as long as that buffer.</summary>
public readonly ref struct EntryView
{
    /// <summary>Number of the entry in its segment.</summary>
    public EntryId Id { get; init; }

    /// <summary>Position of the entry in its log.</summary>
    public Offset Offset { get; init; }

    /// <summary>Microseconds since 1970 UTC.</summary>
    public long Timestamp { get; init; }

    /// <summary>The flag byte.</summary>
    public EntryFlags Flags { get; init; }

    /// <summary>The producer stamp; meaningful if <see cref="HasStamp"/>.</summary>
    public ProducerStamp Stamp { get; init; }

    /// <summary>Fields 5..7 as encoded; empty if none.</summary>
    public ReadOnlySpan<byte> Attributes { get; init; }

    /// <summary>The fencing token to set, UTF-8; meaningful if <see cref="SetsFencingToken"/> (empty clears it).</summary>
    public ReadOnlySpan<byte> FencingToken { get; init; }

    /// <summary>The headers as encoded, for <see cref="HeaderReader"/>; empty if none.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The entry checksum, bound to log and offset; the same for ever.</summary>
    public uint EntryCrc { get; init; }

    /// <summary>Whether there is a producer stamp.</summary>
    public bool HasStamp => (Flags & EntryFlags.Producer) != 0;

    /// <summary>Whether the entry sets or clears the log's fencing token.</summary>
    public bool SetsFencingToken => (Flags & EntryFlags.FencingToken) != 0;

    /// <summary>Whether the entry is the first of its client batch.</summary>
    public bool IsFirstOfBatch => (Flags & EntryFlags.FirstOfBatch) != 0;

    /// <summary>Whether the entry is the last of its client batch.</summary>
    public bool IsLastOfBatch => (Flags & EntryFlags.LastOfBatch) != 0;
}
