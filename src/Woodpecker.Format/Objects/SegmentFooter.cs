using System.Buffers.Binary;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Objects;

/// <summary>What ends a segment object: 96 bytes, little-endian; byte table in docs/FORMAT.md, section 6.</summary>
/// <remarks>Shape: <c>block* | index | footer</c>. The footer checksum covers bytes 0..87.</remarks>
public readonly record struct SegmentFooter
{
    /// <summary>Size of the footer, in bytes.</summary>
    public const int Size = 96;

    /// <summary>The major version written.</summary>
    public const byte MajorVersion = 1;

    internal const int MajorAt = 4;
    internal const int MinorAt = 5;
    internal const int FooterSizeAt = 6;
    internal const int FlagsAt = 8;
    internal const int BlockCountAt = 12;
    internal const int IndexPositionAt = 16;
    internal const int IndexLengthAt = 24;
    internal const int IndexCrcAt = 28;
    internal const int EntryCountAt = 32;
    internal const int FirstOffsetAt = 40;
    internal const int LogAt = 48;
    internal const int FirstSegmentAt = 56;
    internal const int LastSegmentAt = 64;
    internal const int ClusterAt = 72;
    internal const int FooterCrcAt = 88;
    internal const int EndMagicAt = 92;

    /// <summary>First bytes of a footer.</summary>
    public static ReadOnlySpan<byte> Magic => "WPT1"u8;

    /// <summary>Last bytes of an object.</summary>
    public static ReadOnlySpan<byte> EndMagic => "1TPW"u8;

    /// <summary>Minor version; readers accept any.</summary>
    public byte MinorVersion { get; init; }

    /// <summary>Flags: the low half must be understood, the high half may be ignored.</summary>
    public uint Flags { get; init; }

    /// <summary>Blocks in the object; 0 is legal.</summary>
    public int BlockCount { get; init; }

    /// <summary>Where the index begins, in bytes.</summary>
    public long IndexPosition { get; init; }

    /// <summary>Length of the index, in bytes.</summary>
    public int IndexLength => BlockCount * BlockIndexEntry.Size;

    /// <summary>CRC32C of the index.</summary>
    public uint IndexCrc { get; init; }

    /// <summary>Entries in the object.</summary>
    public ulong EntryCount { get; init; }

    /// <summary>Offset of the first entry.</summary>
    public Offset FirstOffset { get; init; }

    /// <summary>The log.</summary>
    public LogId Log { get; init; }

    /// <summary>Oldest segment with blocks in the object.</summary>
    public SegmentId FirstSegment { get; init; }

    /// <summary>Newest segment with blocks in the object.</summary>
    public SegmentId LastSegment { get; init; }

    /// <summary>The cluster.</summary>
    public Guid ClusterId { get; init; }

    /// <summary>Length of the whole object, in bytes.</summary>
    public long ObjectLength => IndexPosition + IndexLength + Size;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        destination[MajorAt] = MajorVersion;
        destination[MinorAt] = MinorVersion;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[FooterSizeAt..], Size);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FlagsAt..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BlockCountAt..], (uint)BlockCount);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[IndexPositionAt..], (ulong)IndexPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[IndexLengthAt..], (uint)IndexLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[IndexCrcAt..], IndexCrc);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EntryCountAt..], EntryCount);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FirstOffsetAt..], FirstOffset.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FirstSegmentAt..], FirstSegment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LastSegmentAt..], LastSegment.Value);
        EntryHeader.WriteId(destination[ClusterAt..], ClusterId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FooterCrcAt..], Crc32C.Compute(destination[..FooterCrcAt]));
        EndMagic.CopyTo(destination[EndMagicAt..]);
    }

    /// <summary>Reads and checks the footer at the end of <paramref name="source"/>.</summary>
    /// <param name="source">The last bytes of the object, at least <see cref="Size"/>.</param>
    /// <param name="objectLength">Length of the whole object, in bytes.</param>
    /// <param name="footer">The footer.</param>
    public static ReadStatus Read(ReadOnlySpan<byte> source, long objectLength, out SegmentFooter footer)
    {
        footer = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        source = source[^Size..];
        if (!source[..4].SequenceEqual(Magic) || !source[EndMagicAt..].SequenceEqual(EndMagic))
            return ReadStatus.Corrupt("footer magic", 0);
        if (Crc32C.Compute(source[..FooterCrcAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[FooterCrcAt..]))
            return ReadStatus.Corrupt("footer checksum", FooterCrcAt);
        if (source[MajorAt] != MajorVersion)
            return ReadStatus.UnknownVersion("footer major version", MajorAt);
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[FlagsAt..]) != 0)
            return ReadStatus.UnknownVersion("footer flags", FlagsAt);
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[FooterSizeAt..]) != Size)
            return ReadStatus.UnknownVersion("footer size", FooterSizeAt);
        return ReadFields(source, objectLength, out footer);
    }

    private static ReadStatus ReadFields(ReadOnlySpan<byte> source, long objectLength, out SegmentFooter footer)
    {
        footer = default;
        var blockCount = BinaryPrimitives.ReadUInt32LittleEndian(source[BlockCountAt..]);
        if (blockCount > Limits.MaxIndexEntries)
            return ReadStatus.TooLarge("index", BlockCountAt);
        var fields = new SegmentFooter
        {
            MinorVersion = source[MinorAt],
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(source[FlagsAt..]),
            BlockCount = (int)blockCount,
            IndexPosition = BinaryPrimitives.ReadInt64LittleEndian(source[IndexPositionAt..]),
            IndexCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[IndexCrcAt..]),
            EntryCount = BinaryPrimitives.ReadUInt64LittleEndian(source[EntryCountAt..]),
            FirstOffset = new Offset(BinaryPrimitives.ReadUInt64LittleEndian(source[FirstOffsetAt..])),
            Log = new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
            FirstSegment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[FirstSegmentAt..])),
            LastSegment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[LastSegmentAt..])),
            ClusterId = EntryHeader.ReadId(source[ClusterAt..]),
        };
        if (fields.IndexPosition < 0
            || BinaryPrimitives.ReadUInt32LittleEndian(source[IndexLengthAt..]) != (uint)fields.IndexLength
            || fields.IndexPosition != objectLength - fields.IndexLength - Size)
        {
            return ReadStatus.Corrupt("index place", IndexPositionAt);
        }

        if (fields.EntryCount > Limits.MaxOffset || fields.FirstOffset.Value > Limits.MaxOffset - fields.EntryCount)
            return ReadStatus.Corrupt("footer entry count", EntryCountAt);
        if (fields.LastSegment.CompareTo(fields.FirstSegment) < 0)
            return ReadStatus.Corrupt("footer segments", FirstSegmentAt);
        footer = fields;
        return ReadStatus.Ok;
    }
}
