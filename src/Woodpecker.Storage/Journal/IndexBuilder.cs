using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;

namespace Woodpecker.Storage.Journal;

/// <summary>Makes the index of a file out of its records.</summary>
internal sealed class IndexBuilder(ulong fileSequence)
{
    private readonly SortedDictionary<SegmentKey, List<FileIndexRow>> _rows = [];

    /// <summary>Adds what a verified record says about its segment.</summary>
    public void Add(RecordType type, ReadOnlySpan<byte> body, long bodyPosition)
    {
        if (TryDescribe(type, body, bodyPosition, out var key, out var row))
            Rows(key).Add(row);
    }

    public FileIndex Build() => new()
    {
        FileSequence = fileSequence,
        Segments = [.. _rows.Select(pair => new FileIndexSegment(pair.Key.Log, pair.Key.Segment, pair.Value))],
    };

    private static bool TryDescribe(RecordType type, ReadOnlySpan<byte> body, long bodyPosition, out SegmentKey key, out FileIndexRow row)
    {
        (key, row) = (default, default);
        if (type == RecordType.SegmentOpen)
        {
            if (!SegmentHeader.Read(body, out var header).IsOk)
                return false;
            key = header!.SegmentKey;
            row = new FileIndexRow(EntryId.None, 0, body.Length, bodyPosition, Crc32C.Compute(body));
            return true;
        }

        if (type is not (RecordType.Batch or RecordType.RecoveryBatch))
            return false;
        var prefix = type == RecordType.RecoveryBatch ? RecordHeader.RecoveryPrefixSize : 0;
        if (!FrameHeader.Read(body[prefix..], out var frame).IsOk)
            return false;
        key = frame.SegmentKey;
        row = new FileIndexRow(frame.FirstEntry, frame.Count, body.Length - prefix, bodyPosition + prefix, frame.ChainAfter);
        return true;
    }

    private List<FileIndexRow> Rows(SegmentKey key)
    {
        if (!_rows.TryGetValue(key, out var rows))
            _rows[key] = rows = [];
        return rows;
    }
}
