namespace Woodpecker.Format.Journals;

/// <summary>Where the frames of live segments lie in one journal file, so that a boot need not scan it (J11).</summary>
/// <remarks>Shape: docs/FORMAT.md, section 4.3, "FileIndex". Cut into <see cref="RecordPart"/>s.</remarks>
public sealed record FileIndex
{
    private const int SmallestSegment = 17;
    private const int RowSize = 32;

    /// <summary>The file it describes.</summary>
    public required ulong FileSequence { get; init; }

    /// <summary>Segments with bytes in the file.</summary>
    public required IReadOnlyList<FileIndexSegment> Segments { get; init; }

    /// <summary>Encodes the content.</summary>
    public byte[] Encode()
    {
        long size = sizeof(ulong) + Varint.MaxSize;
        foreach (var segment in Segments)
            size += 16 + Varint.MaxSize + ((long)segment.Rows.Count * RowSize);
        var buffer = new byte[checked((int)size)];
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(FileSequence);
        writer.WriteVarint((ulong)Segments.Count);
        foreach (var segment in Segments)
        {
            writer.WriteUInt64(segment.Log.Value);
            writer.WriteUInt64(segment.Segment.Value);
            writer.WriteVarint((ulong)segment.Rows.Count);
            foreach (var row in segment.Rows)
            {
                writer.WriteInt64(row.FirstEntry.Value);
                writer.WriteUInt32((uint)row.Count);
                writer.WriteUInt32((uint)row.Length);
                writer.WriteInt64(row.Position);
                writer.WriteUInt64(row.ChainAfter);
            }
        }

        return buffer[..writer.Position];
    }

    /// <summary>Reads a content.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out FileIndex? index)
    {
        index = null;
        var reader = new SpanReader(source);
        if (!reader.TryReadUInt64(out var file) || !reader.TryReadCount(int.MaxValue, SmallestSegment, out var count))
            return Cut(reader);
        var segments = new FileIndexSegment[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt64(out var log) || !reader.TryReadUInt64(out var segment) || !TryReadRows(ref reader, out var rows))
                return Cut(reader);
            segments[i] = new FileIndexSegment(new LogId(log), new SegmentId(segment), rows);
        }

        if (!reader.IsAtEnd)
            return Cut(reader);
        index = new FileIndex { FileSequence = file, Segments = segments };
        return ReadStatus.Ok;
    }

    private static bool TryReadRows(ref SpanReader reader, out FileIndexRow[] rows)
    {
        rows = [];
        if (!reader.TryReadCount(int.MaxValue, RowSize, out var count))
            return false;
        rows = new FileIndexRow[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadEntryId(out var first) || !reader.TryReadUInt32(out var entries) || entries > Limits.MaxFrameEntries
                || !reader.TryReadUInt32(out var length) || length > Limits.MaxFrameSize
                || !reader.TryReadInt64(out var position) || position < JournalFileHeader.Size
                || !reader.TryReadUInt64(out var chain))
            {
                return false;
            }

            rows[i] = new FileIndexRow(first, (int)entries, (int)length, position, chain);
        }

        return true;
    }

    private static ReadStatus Cut(in SpanReader reader) => ReadStatus.Corrupt("file index", reader.Position);
}

/// <summary>The frames of one segment in one file.</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Rows">In the order of the file.</param>
public sealed record FileIndexSegment(LogId Log, SegmentId Segment, IReadOnlyList<FileIndexRow> Rows);

/// <summary>A frame, or (first entry -1, count 0) the segment's header.</summary>
/// <param name="FirstEntry">Number of the first entry; -1 for the header.</param>
/// <param name="Count">Entries in the frame; 0 for the header.</param>
/// <param name="Length">Bytes of the frame or header.</param>
/// <param name="Position">Where it begins in the file.</param>
/// <param name="ChainAfter">Chain after its last entry; for the header, the CRC32C of its bytes.</param>
public readonly record struct FileIndexRow(EntryId FirstEntry, int Count, int Length, long Position, ulong ChainAfter);
