namespace Woodpecker.Format.Objects;

/// <summary>The index of a segment object: one row per block, in the order of the blocks.</summary>
public static class BlockIndex
{
    /// <summary>Writes the rows and returns their size in bytes.</summary>
    public static int Write(ReadOnlySpan<BlockIndexEntry> entries, Span<byte> destination)
    {
        for (var i = 0; i < entries.Length; i++)
            entries[i].Write(destination[(i * BlockIndexEntry.Size)..]);
        return entries.Length * BlockIndexEntry.Size;
    }

    /// <summary>Reads and checks the rows that a footer announces.</summary>
    /// <param name="source">The index's bytes, exactly.</param>
    /// <param name="footer">The footer of the same object.</param>
    /// <param name="entries">The rows; empty unless Ok.</param>
    public static ReadStatus Read(ReadOnlySpan<byte> source, in SegmentFooter footer, out BlockIndexEntry[] entries)
    {
        entries = [];
        if (source.Length != footer.IndexLength)
            return source.Length < footer.IndexLength ? ReadStatus.NeedMore : ReadStatus.Corrupt("index length", 0);
        if (Crc32C.Compute(source) != footer.IndexCrc)
            return ReadStatus.Corrupt("index checksum", 0);
        var rows = new BlockIndexEntry[footer.BlockCount];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = BlockIndexEntry.Read(source[(i * BlockIndexEntry.Size)..]);
        var status = Check(rows, footer);
        if (status.IsOk)
            entries = rows;
        return status;
    }

    /// <summary>Checks rows against each other and the footer: positions, offsets, segments, counts.</summary>
    public static ReadStatus Check(ReadOnlySpan<BlockIndexEntry> rows, in SegmentFooter footer)
    {
        var nextOffset = footer.FirstOffset;
        long nextPosition = 0;
        ulong count = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            ref readonly var row = ref rows[i];
            var at = i * BlockIndexEntry.Size;
            if (row.StoredLength is < 0 or > Limits.MaxBlockRawSize || row.Count < 0)
                return ReadStatus.TooLarge("index block size", at);
            if (row.Position < nextPosition || row.Position > footer.IndexPosition - row.BlockLength)
                return ReadStatus.Corrupt("index position", at);
            if (row.Segment.CompareTo(footer.FirstSegment) < 0 || row.Segment.CompareTo(footer.LastSegment) > 0)
                return ReadStatus.Corrupt("index segment", at);
            if (row.FirstEntry.Value < 0 || row.FirstOffset.Value > Limits.MaxOffset - (ulong)row.Count)
                return ReadStatus.Corrupt("index first entry", at);
            var isNewSegment = i == 0 || row.Segment != rows[i - 1].Segment;
            if (i > 0 && row.Segment.CompareTo(rows[i - 1].Segment) < 0)
                return ReadStatus.Corrupt("index segments are not ascending", at);
            // Only a declared loss, which lies between two segments, leaves a gap.
            if (isNewSegment ? row.FirstOffset < nextOffset : row.FirstOffset != nextOffset)
                return ReadStatus.Corrupt("index offsets are not contiguous", at);
            if (row.Count == 0 && !isNewSegment)
                return ReadStatus.Corrupt("index block without entries", at);
            nextOffset = row.FirstOffset + row.Count;
            nextPosition = row.Position + row.BlockLength;
            count += (ulong)row.Count;
        }

        return count == footer.EntryCount ? ReadStatus.Ok : ReadStatus.Corrupt("index entry count", 0);
    }

    /// <summary>The row whose block holds the offset; -1 if none does.</summary>
    public static int Find(ReadOnlySpan<BlockIndexEntry> rows, Offset offset)
    {
        var low = 0;
        var high = rows.Length - 1;
        var found = -1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (rows[middle].FirstOffset <= offset)
            {
                found = middle;
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return found >= 0 && offset < rows[found].FirstOffset + rows[found].Count ? found : -1;
    }
}
