using System.Buffers.Binary;

namespace Woodpecker.Format.Objects;

/// <summary>One row of a block index: 64 bytes, little-endian; byte table in docs/FORMAT.md, section 6.</summary>
public readonly record struct BlockIndexEntry
{
    /// <summary>Size of a row, in bytes.</summary>
    public const int Size = 64;

    internal const int FirstOffsetAt = 0;
    internal const int FirstEntryAt = 8;
    internal const int SegmentAt = 16;
    internal const int CountAt = 24;
    internal const int StoredLengthAt = 28;
    internal const int PositionAt = 32;
    internal const int BaseTimestampAt = 40;
    internal const int MaxTimestampAt = 48;
    internal const int HeaderCrcAt = 56;
    internal const int StoredCrcAt = 60;

    /// <summary>Offset of the block's first entry; of a header block, of the segment's first entry.</summary>
    public Offset FirstOffset { get; init; }

    /// <summary>Number of the block's first entry.</summary>
    public EntryId FirstEntry { get; init; }

    /// <summary>The segment.</summary>
    public SegmentId Segment { get; init; }

    /// <summary>Entries in the block; 0 for a header block.</summary>
    public int Count { get; init; }

    /// <summary>Stored bytes of the block, without header and trailer.</summary>
    public int StoredLength { get; init; }

    /// <summary>Where the block begins in the object, in bytes.</summary>
    public long Position { get; init; }

    /// <summary>Base timestamp of the block.</summary>
    public long BaseTimestamp { get; init; }

    /// <summary>Largest timestamp of the block.</summary>
    public long MaxTimestamp { get; init; }

    /// <summary>Checksum of the block's header.</summary>
    public uint HeaderCrc { get; init; }

    /// <summary>Checksum of the block's stored bytes.</summary>
    public uint StoredCrc { get; init; }

    /// <summary>Bytes of the block with header and trailer, as this version writes it.</summary>
    public int BlockLength => Block.SizeOf(StoredLength);

    /// <summary>The row for a block at <paramref name="position"/>.</summary>
    public static BlockIndexEntry For(in BlockHeader header, BlockChecksums checksums, int storedLength, long position) => new()
    {
        FirstOffset = header.FirstOffset,
        FirstEntry = header.FirstEntry,
        Segment = header.Segment,
        Count = header.Count,
        StoredLength = storedLength,
        Position = position,
        BaseTimestamp = header.BaseTimestamp,
        MaxTimestamp = header.MaxTimestamp,
        HeaderCrc = checksums.HeaderCrc,
        StoredCrc = checksums.StoredCrc,
    };

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FirstOffsetAt..], FirstOffset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[FirstEntryAt..], FirstEntry.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SegmentAt..], Segment.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CountAt..], (uint)Count);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StoredLengthAt..], (uint)StoredLength);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[PositionAt..], (ulong)Position);
        BinaryPrimitives.WriteInt64LittleEndian(destination[BaseTimestampAt..], BaseTimestamp);
        BinaryPrimitives.WriteInt64LittleEndian(destination[MaxTimestampAt..], MaxTimestamp);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderCrcAt..], HeaderCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StoredCrcAt..], StoredCrc);
    }

    internal static BlockIndexEntry Read(ReadOnlySpan<byte> source) => new()
    {
        FirstOffset = new Offset(BinaryPrimitives.ReadUInt64LittleEndian(source[FirstOffsetAt..])),
        FirstEntry = new EntryId(BinaryPrimitives.ReadInt64LittleEndian(source[FirstEntryAt..])),
        Segment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentAt..])),
        Count = BinaryPrimitives.ReadInt32LittleEndian(source[CountAt..]),
        StoredLength = BinaryPrimitives.ReadInt32LittleEndian(source[StoredLengthAt..]),
        Position = BinaryPrimitives.ReadInt64LittleEndian(source[PositionAt..]),
        BaseTimestamp = BinaryPrimitives.ReadInt64LittleEndian(source[BaseTimestampAt..]),
        MaxTimestamp = BinaryPrimitives.ReadInt64LittleEndian(source[MaxTimestampAt..]),
        HeaderCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderCrcAt..]),
        StoredCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[StoredCrcAt..]),
    };
}
