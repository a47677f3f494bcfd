using System.Buffers.Binary;

namespace Woodpecker.Format.Entries;

/// <summary>
/// Encoding of one entry, shared by frames and blocks: varint length, flags u8, zigzag timestamp delta, producer index and
/// sequence delta, attributes (fields 5..7), payload, entry checksum u32.
/// </summary>
/// <remarks>
/// Shape: byte table in docs/FORMAT.md, section 3.1. The checksum covers logical values and the offset, not the encoding,
///        so it survives re-encoding with another base timestamp or producer table (format principle 4).
/// </remarks>
public static class EntryHeader
{
    /// <summary>Size of the checksum that ends an entry, in bytes.</summary>
    public const int EntryCrcSize = sizeof(uint);

    /// <summary>Upper bound of everything but attributes and payload, in bytes.</summary>
    public const int MaxFixedSize = 5 + 1 + Varint.MaxSize + 3 + Varint.MaxSize + EntryCrcSize;

    /// <summary>Largest value of the length field, in bytes.</summary>
    public const int MaxLength = Limits.MaxEntrySize + Limits.MaxEntryOverhead;

    private const EntryFlags Known =
        EntryFlags.Producer | EntryFlags.Attributes | EntryFlags.FirstOfBatch | EntryFlags.LastOfBatch;

    private const int IdentitySize = 8 + 8 + 8 + 1;
    private const int StampSize = 16 + 4 + 8;

    /// <summary>The checksum of an entry: its identity and values, with the payload represented by its own checksum.</summary>
    // hot path: no allocation
    public static uint ComputeCrc(
        LogId log,
        Offset offset,
        long timestamp,
        EntryFlags flags,
        in ProducerStamp stamp,
        ReadOnlySpan<byte> attributes,
        uint payloadCrc)
    {
        Span<byte> values = stackalloc byte[IdentitySize + StampSize + (2 * sizeof(uint))];
        BinaryPrimitives.WriteUInt64LittleEndian(values, log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(values[8..], offset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(values[16..], timestamp);
        values[24] = (byte)flags;
        var at = IdentitySize;
        if ((flags & EntryFlags.Producer) != 0)
        {
            WriteId(values[at..], stamp.ProducerId);
            BinaryPrimitives.WriteUInt32LittleEndian(values[(at + 16)..], stamp.ProducerEpoch);
            BinaryPrimitives.WriteUInt64LittleEndian(values[(at + 20)..], stamp.Sequence);
            at += StampSize;
        }

        if ((flags & EntryFlags.Attributes) != 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(values[at..], Crc32C.Compute(attributes));
            at += sizeof(uint);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(values[at..], payloadCrc);
        return Crc32C.Compute(values[..(at + sizeof(uint))]);
    }

    /// <summary>Ids of 16 bytes are stored in the order of their text form.</summary>
    internal static void WriteId(Span<byte> destination, Guid id) =>
        Invariant.Check(id.TryWriteBytes(destination, bigEndian: true, out _), "room for an id");

    /// <summary>Reads an id of 16 bytes.</summary>
    internal static Guid ReadId(ReadOnlySpan<byte> source) => new(source[..16], bigEndian: true);

    // hot path: no allocation per entry
    internal static int Write(
        Span<byte> destination,
        EntryFlags flags,
        long timestampDelta,
        int producerIndex,
        ulong sequenceDelta,
        ReadOnlySpan<byte> attributes,
        ReadOnlySpan<byte> payload,
        uint entryCrc)
    {
        var timestamp = Varint.ZigZag(timestampDelta);
        var hasProducer = (flags & EntryFlags.Producer) != 0;
        var length = 1 + Varint.SizeOf(timestamp) + attributes.Length + payload.Length + EntryCrcSize;
        if (hasProducer)
            length += Varint.SizeOf((ulong)producerIndex) + Varint.SizeOf(sequenceDelta);

        var at = Varint.Write(destination, (ulong)length);
        destination[at++] = (byte)flags;
        at += Varint.Write(destination[at..], timestamp);
        if (hasProducer)
        {
            at += Varint.Write(destination[at..], (ulong)producerIndex);
            at += Varint.Write(destination[at..], sequenceDelta);
        }

        attributes.CopyTo(destination[at..]);
        at += attributes.Length;
        payload.CopyTo(destination[at..]);
        at += payload.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[at..], entryCrc);
        return at + EntryCrcSize;
    }

    /// <summary>Splits one entry into its parts and checks lengths and limits; the checksum is left to the caller.</summary>
    internal static ReadStatus Read(ReadOnlySpan<byte> source, ref int position, ref EntryParts parts)
    {
        var at = position;
        if (!Varint.TryRead(source, ref at, out var length))
            return ReadStatus.Corrupt("entry length is cut", position);
        if (length > MaxLength)
            return ReadStatus.TooLarge("entry", position);
        if (length > (ulong)(source.Length - at) || length < 2 + EntryCrcSize)
            return ReadStatus.Corrupt("entry is cut", position);

        var end = at + (int)length;
        var body = source[..(end - EntryCrcSize)];
        parts.Flags = (EntryFlags)source[at++];
        if ((parts.Flags & ~Known) != 0)
            return ReadStatus.UnknownVersion("entry flags", at - 1);
        if (!Varint.TryRead(body, ref at, out var timestamp))
            return ReadStatus.Corrupt("entry timestamp is cut", at);
        parts.TimestampDelta = Varint.UnZigZag(timestamp);
        parts.ProducerIndex = 0;
        parts.SequenceDelta = 0;
        if ((parts.Flags & EntryFlags.Producer) != 0
            && (!Varint.TryRead(body, ref at, out parts.ProducerIndex) || !Varint.TryRead(body, ref at, out parts.SequenceDelta)))
        {
            return ReadStatus.Corrupt("entry stamp is cut", at);
        }

        parts.Attributes = default;
        parts.AttributeSpans = default;
        if ((parts.Flags & EntryFlags.Attributes) != 0)
        {
            var status = EntryAttributes.Read(body[at..], parts.Flags, out parts.AttributeSpans);
            if (!status.IsOk)
                return status with { At = status.At + at };
            parts.Attributes = body.Slice(at, parts.AttributeSpans.Length);
            at += parts.Attributes.Length;
        }

        parts.Payload = body[at..];
        parts.EntryCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[(end - EntryCrcSize)..]);
        if (parts.Payload.Length > Limits.MaxEntrySize)
            return ReadStatus.TooLarge("payload", at);
        position = end;
        return ReadStatus.Ok;
    }
}
