using System.Buffers.Binary;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Journals;

/// <summary>Header of a journal record: 48 bytes, little-endian; the body follows, then zeros up to a multiple of 8.</summary>
/// <remarks>
/// Shape: byte table in docs/FORMAT.md, section 4.3. The header checksum covers bytes 0..43. The body checksum covers the
///        body; for the two batch types only up to the end of the frame header, whose own checksum covers the rest.
/// </remarks>
public readonly record struct RecordHeader
{
    /// <summary>Size of the header, in bytes.</summary>
    public const int Size = 48;

    /// <summary>The version written.</summary>
    public const byte Version = 1;

    /// <summary>Records begin at multiples of this many bytes.</summary>
    public const int Alignment = 8;

    /// <summary>Size of what stands before the frame in a RecoveryBatch, in bytes.</summary>
    public const int RecoveryPrefixSize = sizeof(ulong);

    internal const int TypeAt = 4;
    internal const int VersionAt = 5;
    internal const int FlagsAt = 6;
    internal const int BodyLengthAt = 8;
    internal const int ReservedAt = 12;
    internal const int JournalSequenceAt = 16;
    internal const int FileNonceAt = 24;
    internal const int GroupSequenceAt = 32;
    internal const int BodyCrcAt = 40;
    internal const int HeaderCrcAt = 44;

    /// <summary>First bytes of a record.</summary>
    public static ReadOnlySpan<byte> Magic => "WPJ1"u8;

    /// <summary>What the body is.</summary>
    public RecordType Type { get; init; }

    /// <summary>Flags: the low byte must be understood, the high byte may be ignored.</summary>
    public ushort Flags { get; init; }

    /// <summary>Bytes of the body.</summary>
    public int BodyLength { get; init; }

    /// <summary>Number of the record, rising by one, across files.</summary>
    public ulong JournalSequence { get; init; }

    /// <summary>The file's nonce.</summary>
    public ulong FileNonce { get; init; }

    /// <summary>Number of the group; all records of one sync share it.</summary>
    public ulong GroupSequence { get; init; }

    /// <summary>Checksum of the body (see remarks).</summary>
    public uint BodyCrc { get; init; }

    /// <summary>Header, body and zeros, in bytes.</summary>
    public long RecordLength => LengthOf(BodyLength);

    /// <summary>Bytes that a record with such a body takes.</summary>
    public static long LengthOf(int bodyLength) => (Size + (long)bodyLength + Alignment - 1) / Alignment * Alignment;

    /// <summary>The body checksum as this version defines it for the type.</summary>
    public static uint ComputeBodyCrc(RecordType type, ReadOnlySpan<byte> body) =>
        Crc32C.Compute(body[..Math.Min(body.Length, CoveredLength(type, body.Length))]);

    /// <summary>Writes <see cref="Size"/> bytes, the header checksum included.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        destination[TypeAt] = (byte)Type;
        destination[VersionAt] = Version;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[FlagsAt..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BodyLengthAt..], (uint)BodyLength);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[JournalSequenceAt..], JournalSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FileNonceAt..], FileNonce);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[GroupSequenceAt..], GroupSequence);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BodyCrcAt..], BodyCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderCrcAt..], Crc32C.Compute(destination[..HeaderCrcAt]));
    }

    /// <summary>Reads and checks a header; nonce and sequence are compared by the caller, the body by <see cref="CheckBody"/>.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out RecordHeader header)
    {
        header = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("record magic", 0);
        if (Crc32C.Compute(source[..HeaderCrcAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderCrcAt..]))
            return ReadStatus.Corrupt("record header checksum", HeaderCrcAt);
        if (source[VersionAt] != Version)
            return ReadStatus.UnknownVersion("record version", VersionAt);
        if (source[TypeAt] is 0 or > (byte)RecordType.Pad)
            return ReadStatus.UnknownVersion("record type", TypeAt);
        if (source[FlagsAt] != 0)
            return ReadStatus.UnknownVersion("record flags", FlagsAt);
        var bodyLength = BinaryPrimitives.ReadUInt32LittleEndian(source[BodyLengthAt..]);
        if (bodyLength > Limits.MaxFrameSize)
            return ReadStatus.TooLarge("record body", BodyLengthAt);
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[ReservedAt..]) != 0)
            return ReadStatus.Corrupt("record reserved bytes", ReservedAt);
        header = new RecordHeader
        {
            Type = (RecordType)source[TypeAt],
            Flags = BinaryPrimitives.ReadUInt16LittleEndian(source[FlagsAt..]),
            BodyLength = (int)bodyLength,
            JournalSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[JournalSequenceAt..]),
            FileNonce = BinaryPrimitives.ReadUInt64LittleEndian(source[FileNonceAt..]),
            GroupSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[GroupSequenceAt..]),
            BodyCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[BodyCrcAt..]),
        };
        return ReadStatus.Ok;
    }

    /// <summary>Checks a body; for the batch types every entry of the frame too.</summary>
    public ReadStatus CheckBody(ReadOnlySpan<byte> body)
    {
        if (body.Length != BodyLength)
            return ReadStatus.NeedMore;
        if (ComputeBodyCrc(Type, body) != BodyCrc)
            return ReadStatus.Corrupt("record body checksum", 0);
        if (Type is not (RecordType.Batch or RecordType.RecoveryBatch))
            return ReadStatus.Ok;
        var prefix = Type == RecordType.RecoveryBatch ? RecoveryPrefixSize : 0;
        if (body.Length < prefix)
            return ReadStatus.Corrupt("recovery record is cut", 0);
        var status = FrameReader.Verify(body[prefix..], out _);
        // A frame that asks for more bytes than its record has is damaged, not unfinished.
        return status.Kind == ReadStatusKind.NeedMore ? ReadStatus.Corrupt("frame is longer than its record", prefix) : status;
    }

    private static int CoveredLength(RecordType type, int bodyLength) => type switch
    {
        RecordType.Batch => FrameHeader.Size,
        RecordType.RecoveryBatch => RecoveryPrefixSize + FrameHeader.Size,
        _ => bodyLength,
    };
}
