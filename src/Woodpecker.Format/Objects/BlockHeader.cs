using System.Buffers.Binary;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Objects;

/// <summary>Fixed header of a block: 144 bytes, little-endian; the stored bytes and the trailer follow.</summary>
/// <remarks>
/// Shape: byte table in docs/FORMAT.md, section 5. The header checksum covers bytes 0..139. A block never spans segments;
///        its raw body is a producer table and entries, or a segment header, or nothing (fence, empty block).
/// </remarks>
public readonly record struct BlockHeader
{
    /// <summary>Size of the header of this version, in bytes.</summary>
    public const int Size = 144;

    /// <summary>Largest header of a later minor version that is still read, in bytes.</summary>
    public const int MaxSize = 4096;

    /// <summary>The major version written.</summary>
    public const byte MajorVersion = 1;

    internal const int MajorAt = 4;
    internal const int MinorAt = 5;
    internal const int HeaderSizeAt = 6;
    internal const int FlagsAt = 8;
    internal const int IgnorableFlagsAt = 10;
    internal const int CodecAt = 12;
    internal const int ReservedAt = 13;
    internal const int ClusterAt = 16;
    internal const int LogAt = 32;
    internal const int SegmentAt = 40;
    internal const int EpochAt = 48;
    internal const int NumberAt = 56;
    internal const int FirstEntryAt = 64;
    internal const int FirstOffsetAt = 72;
    internal const int CountAt = 80;
    internal const int RawLengthAt = 84;
    internal const int StoredLengthAt = 88;
    internal const int KeyIdAt = 92;
    internal const int BaseTimestampAt = 96;
    internal const int MaxTimestampAt = 104;
    internal const int ChainBeforeAt = 112;
    internal const int ChainAfterAt = 120;
    internal const int WriterNonceAt = 128;
    internal const int Reserved2At = 136;
    internal const int HeaderCrcAt = 140;

    private const BlockFlags Understood = BlockFlags.Fence | BlockFlags.SegmentHeader | BlockFlags.Dictionary;

    /// <summary>First bytes of a block.</summary>
    public static ReadOnlySpan<byte> Magic => "WPB1"u8;

    /// <summary>Minor version; readers accept any.</summary>
    public byte MinorVersion { get; init; }

    /// <summary>Size of this header as it stands, in bytes: more than <see cref="Size"/> in later minor versions.</summary>
    public int HeaderSize { get => field == 0 ? Size : field; init; }

    /// <summary>Flags that must be understood.</summary>
    public BlockFlags Flags { get; init; }

    /// <summary>Flags that may be ignored; kept when rewriting.</summary>
    public ushort IgnorableFlags { get; init; }

    /// <summary>How stored bytes become raw ones.</summary>
    public BlockCodecId Codec { get; init; }

    /// <summary>The cluster.</summary>
    public Guid ClusterId { get; init; }

    /// <summary>The log.</summary>
    public LogId Log { get; init; }

    /// <summary>The segment.</summary>
    public SegmentId Segment { get; init; }

    /// <summary>The segment's writing epoch; in a fence the fencing epoch.</summary>
    public LogEpoch Epoch { get; init; }

    /// <summary>Slot number, or block number in the object; never used for resuming (C2).</summary>
    public ulong Number { get; init; }

    /// <summary>Number of the first entry; of a block without entries, of the entry that would come next.</summary>
    public EntryId FirstEntry { get; init; }

    /// <summary>Offset of the first entry; of a block without entries, of the entry that would come next.</summary>
    public Offset FirstOffset { get; init; }

    /// <summary>Entries in the block.</summary>
    public int Count { get; init; }

    /// <summary>Bytes of the raw body.</summary>
    public int RawLength { get; init; }

    /// <summary>Bytes between header and trailer.</summary>
    public int StoredLength { get; init; }

    /// <summary>Dictionary or key; 0 if none.</summary>
    public uint KeyId { get; init; }

    /// <summary>What timestamps in the body count from, microseconds since 1970 UTC.</summary>
    public long BaseTimestamp { get; init; }

    /// <summary>Largest timestamp in the body.</summary>
    public long MaxTimestamp { get; init; }

    /// <summary>Chain before the first entry.</summary>
    public ulong ChainBefore { get; init; }

    /// <summary>Chain after the last entry.</summary>
    public ulong ChainAfter { get; init; }

    /// <summary>In slots: identity of the writer session, by which it knows its own earlier put (B3); else 0.</summary>
    public ulong WriterNonce { get; init; }

    /// <summary>Whether the block is a fence.</summary>
    public bool IsFence => (Flags & BlockFlags.Fence) != 0;

    /// <summary>Whether the raw body is a segment header.</summary>
    public bool IsSegmentHeader => (Flags & BlockFlags.SegmentHeader) != 0;

    /// <summary>Header, stored bytes and trailer, in bytes.</summary>
    public int BlockLength => HeaderSize + StoredLength + BlockTrailer.Size;

    /// <summary>What a reader of the raw body needs.</summary>
    public BodyStart BodyStart => new(Log, FirstEntry, FirstOffset, Count, BaseTimestamp, ChainBefore);

    /// <summary>Writes <see cref="Size"/> bytes, the header checksum included.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        destination[MajorAt] = MajorVersion;
        destination[MinorAt] = MinorVersion;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[HeaderSizeAt..], Size);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[FlagsAt..], (ushort)Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[IgnorableFlagsAt..], IgnorableFlags);
        destination[CodecAt] = (byte)Codec;
        EntryHeader.WriteId(destination[ClusterAt..], ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SegmentAt..], Segment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EpochAt..], Epoch.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[NumberAt..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(destination[FirstEntryAt..], FirstEntry.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FirstOffsetAt..], FirstOffset.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CountAt..], (uint)Count);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[RawLengthAt..], (uint)RawLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StoredLengthAt..], (uint)StoredLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[KeyIdAt..], KeyId);
        BinaryPrimitives.WriteInt64LittleEndian(destination[BaseTimestampAt..], BaseTimestamp);
        BinaryPrimitives.WriteInt64LittleEndian(destination[MaxTimestampAt..], MaxTimestamp);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChainBeforeAt..], ChainBefore);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChainAfterAt..], ChainAfter);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[WriterNonceAt..], WriterNonce);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderCrcAt..], Crc32C.Compute(destination[..HeaderCrcAt]));
    }

    /// <summary>The checksum that <see cref="Write"/> put into an encoded header; the index repeats it.</summary>
    public static uint ReadCrc(ReadOnlySpan<byte> encoded) => BinaryPrimitives.ReadUInt32LittleEndian(encoded[HeaderCrcAt..]);

    /// <summary>Reads and checks a header; the rest of the block need not be there yet.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out BlockHeader header)
    {
        header = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("block magic", 0);
        if (Crc32C.Compute(source[..HeaderCrcAt]) != ReadCrc(source))
            return ReadStatus.Corrupt("block header checksum", HeaderCrcAt);
        if (source[MajorAt] != MajorVersion)
            return ReadStatus.UnknownVersion("block major version", MajorAt);
        var flags = (BlockFlags)BinaryPrimitives.ReadUInt16LittleEndian(source[FlagsAt..]);
        if ((flags & ~Understood) != 0)
            return ReadStatus.UnknownVersion("block flags", FlagsAt);
        if (source[CodecAt] > (byte)BlockCodecId.Zstd)
            return ReadStatus.UnknownVersion("block codec", CodecAt);
        var headerSize = BinaryPrimitives.ReadUInt16LittleEndian(source[HeaderSizeAt..]);
        if (headerSize is < Size or > MaxSize)
            return ReadStatus.Corrupt("block header size", HeaderSizeAt);
        header = ReadFields(source, flags, headerSize);
        var status = CheckFields(source, header);
        if (!status.IsOk)
            header = default;
        return status;
    }

    private static BlockHeader ReadFields(ReadOnlySpan<byte> source, BlockFlags flags, int headerSize) => new()
    {
        MinorVersion = source[MinorAt],
        HeaderSize = headerSize,
        Flags = flags,
        IgnorableFlags = BinaryPrimitives.ReadUInt16LittleEndian(source[IgnorableFlagsAt..]),
        Codec = (BlockCodecId)source[CodecAt],
        ClusterId = EntryHeader.ReadId(source[ClusterAt..]),
        Log = new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
        Segment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentAt..])),
        Epoch = new LogEpoch(BinaryPrimitives.ReadUInt64LittleEndian(source[EpochAt..])),
        Number = BinaryPrimitives.ReadUInt64LittleEndian(source[NumberAt..]),
        FirstEntry = new EntryId(BinaryPrimitives.ReadInt64LittleEndian(source[FirstEntryAt..])),
        FirstOffset = new Offset(BinaryPrimitives.ReadUInt64LittleEndian(source[FirstOffsetAt..])),
        Count = BinaryPrimitives.ReadInt32LittleEndian(source[CountAt..]),
        RawLength = BinaryPrimitives.ReadInt32LittleEndian(source[RawLengthAt..]),
        StoredLength = BinaryPrimitives.ReadInt32LittleEndian(source[StoredLengthAt..]),
        KeyId = BinaryPrimitives.ReadUInt32LittleEndian(source[KeyIdAt..]),
        BaseTimestamp = BinaryPrimitives.ReadInt64LittleEndian(source[BaseTimestampAt..]),
        MaxTimestamp = BinaryPrimitives.ReadInt64LittleEndian(source[MaxTimestampAt..]),
        ChainBefore = BinaryPrimitives.ReadUInt64LittleEndian(source[ChainBeforeAt..]),
        ChainAfter = BinaryPrimitives.ReadUInt64LittleEndian(source[ChainAfterAt..]),
        WriterNonce = BinaryPrimitives.ReadUInt64LittleEndian(source[WriterNonceAt..]),
    };

    private static ReadStatus CheckFields(ReadOnlySpan<byte> source, in BlockHeader header)
    {
        if (header.RawLength is < 0 or > Limits.MaxBlockRawSize)
            return ReadStatus.TooLarge("block raw length", RawLengthAt);
        if (header.StoredLength is < 0 or > Limits.MaxBlockRawSize)
            return ReadStatus.TooLarge("block stored length", StoredLengthAt);
        // An entry has at least seven bytes, so no honest count comes near the raw length.
        if (header.Count < 0 || header.Count > header.RawLength)
            return ReadStatus.Corrupt("block entry count", CountAt);
        if (header.FirstEntry.Value < 0 || header.FirstEntry.Value > long.MaxValue - header.Count)
            return ReadStatus.Corrupt("block first entry", FirstEntryAt);
        if (header.FirstOffset.Value > Limits.MaxOffset - (ulong)header.Count || header.FirstOffset.Value < (ulong)header.FirstEntry.Value)
            return ReadStatus.Corrupt("block first offset", FirstOffsetAt);
        if (header.Codec == BlockCodecId.None && header.StoredLength != header.RawLength)
            return ReadStatus.Corrupt("block stored length", StoredLengthAt);
        if (header.RawLength > (long)header.StoredLength * Limits.MaxCompressionRatio)
            return ReadStatus.TooLarge("block compression ratio", RawLengthAt);
        if (header.Flags != 0 && (header.IsFence || header.IsSegmentHeader) && header.Count != 0)
            return ReadStatus.Corrupt("block entry count", CountAt);
        if (header.IsFence && (header.RawLength != 0 || header.IsSegmentHeader))
            return ReadStatus.Corrupt("fence with a body", RawLengthAt);
        if (header.IsSegmentHeader && header.RawLength == 0)
            return ReadStatus.Corrupt("segment header block without a body", RawLengthAt);
        if (source[ReservedAt] != 0 || source[ReservedAt + 1] != 0 || source[ReservedAt + 2] != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(source[Reserved2At..]) != 0)
        {
            return ReadStatus.Corrupt("block reserved bytes", ReservedAt);
        }

        return ReadStatus.Ok;
    }
}
