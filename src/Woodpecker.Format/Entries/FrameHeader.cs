using System.Buffers.Binary;

namespace Woodpecker.Format.Entries;

/// <summary>Fixed header of a frame: 104 bytes, little-endian; the body (producer table, entries) follows.</summary>
/// <remarks>
/// Shape: byte table in docs/FORMAT.md, section 3.3. <see cref="BodyCrc"/> covers the body, the header checksum bytes 0..99,
///        so lengths and identity are trusted before they are used.
/// </remarks>
public readonly record struct FrameHeader
{
    /// <summary>Size of the header, in bytes.</summary>
    public const int Size = 104;

    /// <summary>The version written.</summary>
    public const byte Version = 1;

    internal const int MagicAt = 0;
    internal const int VersionAt = 4;
    internal const int ReservedAt = 5;
    internal const int FlagsAt = 6;
    internal const int BodyLengthAt = 8;
    internal const int CountAt = 12;
    internal const int LogAt = 16;
    internal const int SegmentAt = 24;
    internal const int EpochAt = 32;
    internal const int FirstEntryAt = 40;
    internal const int FirstOffsetAt = 48;
    internal const int LacAt = 56;
    internal const int ChainBeforeAt = 64;
    internal const int ChainAfterAt = 72;
    internal const int BaseTimestampAt = 80;
    internal const int Reserved2At = 88;
    internal const int BodyCrcAt = 96;
    internal const int HeaderCrcAt = 100;

    private const byte MustUnderstand = 0;

    /// <summary>First bytes of a frame.</summary>
    public static ReadOnlySpan<byte> Magic => "WPF1"u8;

    /// <summary>Flags: the low byte must be understood, the high byte may be ignored.</summary>
    public ushort Flags { get; init; }

    /// <summary>Bytes after the header.</summary>
    public int BodyLength { get; init; }

    /// <summary>Entries in the frame, 1 to <see cref="Limits.MaxFrameEntries"/>.</summary>
    public int Count { get; init; }

    /// <summary>The log.</summary>
    public LogId Log { get; init; }

    /// <summary>The segment.</summary>
    public SegmentId Segment { get; init; }

    /// <summary>The segment's writing epoch, also in copies made by a recovery.</summary>
    public LogEpoch Epoch { get; init; }

    /// <summary>Number of the first entry.</summary>
    public EntryId FirstEntry { get; init; }

    /// <summary>Offset of the first entry.</summary>
    public Offset FirstOffset { get; init; }

    /// <summary>LAC when the frame was encoded.</summary>
    public EntryId Lac { get; init; }

    /// <summary>Chain over all entries before the frame.</summary>
    public ulong ChainBefore { get; init; }

    /// <summary>Chain over all entries up to the frame's last.</summary>
    public ulong ChainAfter { get; init; }

    /// <summary>What timestamps in the body count from, microseconds since 1970 UTC.</summary>
    public long BaseTimestamp { get; init; }

    /// <summary>CRC32C of the body.</summary>
    public uint BodyCrc { get; init; }

    /// <summary>Number of the last entry.</summary>
    public EntryId LastEntry => FirstEntry + (Count - 1);

    /// <summary>Header and body, in bytes.</summary>
    public int FrameLength => Size + BodyLength;

    /// <summary>The segment as one value.</summary>
    public SegmentKey SegmentKey => new(Log, Segment);

    /// <summary>Writes <see cref="Size"/> bytes, the header checksum included.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        destination[VersionAt] = Version;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[FlagsAt..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BodyLengthAt..], (uint)BodyLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CountAt..], (uint)Count);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SegmentAt..], Segment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EpochAt..], Epoch.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[FirstEntryAt..], FirstEntry.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FirstOffsetAt..], FirstOffset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[LacAt..], Lac.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChainBeforeAt..], ChainBefore);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChainAfterAt..], ChainAfter);
        BinaryPrimitives.WriteInt64LittleEndian(destination[BaseTimestampAt..], BaseTimestamp);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BodyCrcAt..], BodyCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderCrcAt..], Crc32C.Compute(destination[..HeaderCrcAt]));
    }

    /// <summary>Reads and checks a header; the body need not be there yet.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        header = default;
        if (source.Length < Size)
            return ReadStatus.NeedMore;
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("frame magic", MagicAt);
        if (Crc32C.Compute(source[..HeaderCrcAt]) != BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderCrcAt..]))
            return ReadStatus.Corrupt("frame header checksum", HeaderCrcAt);
        if (source[VersionAt] != Version)
            return ReadStatus.UnknownVersion("frame version", VersionAt);
        if ((source[FlagsAt] & ~MustUnderstand) != 0)
            return ReadStatus.UnknownVersion("frame flags", FlagsAt);
        return ReadFields(source, out header);
    }

    private static ReadStatus ReadFields(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        header = default;
        var bodyLength = BinaryPrimitives.ReadUInt32LittleEndian(source[BodyLengthAt..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(source[CountAt..]);
        var firstEntry = BinaryPrimitives.ReadInt64LittleEndian(source[FirstEntryAt..]);
        var firstOffset = BinaryPrimitives.ReadUInt64LittleEndian(source[FirstOffsetAt..]);
        var lac = BinaryPrimitives.ReadInt64LittleEndian(source[LacAt..]);
        if (bodyLength > Limits.MaxFrameSize - Size)
            return ReadStatus.TooLarge("frame body", BodyLengthAt);
        if (count > Limits.MaxFrameEntries)
            return ReadStatus.TooLarge("frame entry count", CountAt);
        if (count == 0)
            return ReadStatus.Corrupt("frame without entries", CountAt);
        if (firstEntry < 0 || firstEntry > long.MaxValue - count)
            return ReadStatus.Corrupt("frame first entry", FirstEntryAt);
        if (firstOffset > Limits.MaxOffset - count || firstOffset < (ulong)firstEntry)
            return ReadStatus.Corrupt("frame first offset", FirstOffsetAt);
        if (lac < EntryId.None.Value)
            return ReadStatus.Corrupt("frame lac", LacAt);
        if (source[ReservedAt] != 0 || BinaryPrimitives.ReadUInt64LittleEndian(source[Reserved2At..]) != 0)
            return ReadStatus.Corrupt("frame reserved bytes", ReservedAt);

        header = new FrameHeader
        {
            Flags = BinaryPrimitives.ReadUInt16LittleEndian(source[FlagsAt..]),
            BodyLength = (int)bodyLength,
            Count = (int)count,
            Log = new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
            Segment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentAt..])),
            Epoch = new LogEpoch(BinaryPrimitives.ReadUInt64LittleEndian(source[EpochAt..])),
            FirstEntry = new EntryId(firstEntry),
            FirstOffset = new Offset(firstOffset),
            Lac = new EntryId(lac),
            ChainBefore = BinaryPrimitives.ReadUInt64LittleEndian(source[ChainBeforeAt..]),
            ChainAfter = BinaryPrimitives.ReadUInt64LittleEndian(source[ChainAfterAt..]),
            BaseTimestamp = BinaryPrimitives.ReadInt64LittleEndian(source[BaseTimestampAt..]),
            BodyCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[BodyCrcAt..]),
        };
        return ReadStatus.Ok;
    }
}
