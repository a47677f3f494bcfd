namespace Woodpecker.Storage.Journal;

/// <summary>Where the frames of one segment lie, in order of entries: 24 bytes a frame.</summary>
/// <remarks>Threads: under the lock of whoever owns it.</remarks>
internal sealed class SegmentRows
{
    // Positions are multiples of 8 and files at most 32 GiB.
    private const int PositionUnit = 8;

    private readonly List<Row> _rows = [];
    private readonly List<ulong> _files = [];
    private FrameLocation? _header;

    /// <summary>Frames known.</summary>
    public int Count => _rows.Count;

    /// <summary>The segment's header; null if its record is not durable.</summary>
    public FrameLocation? Header => _header;

    /// <summary>Bytes of all frames.</summary>
    public long Bytes { get; private set; }

    /// <summary>Files that hold the header or a frame, ascending.</summary>
    public IReadOnlyList<ulong> Files => _files;

    /// <summary>The row at an index.</summary>
    public FrameLocation this[int index]
    {
        get
        {
            var row = _rows[index];
            return new FrameLocation(
                new EntryId(row.FirstEntry), row.Count, _files[row.File], (long)row.Position * PositionUnit, row.Length);
        }
    }

    /// <summary>Sets the header.</summary>
    /// <returns>Whether its file is new to the segment.</returns>
    public bool SetHeader(in FrameLocation location)
    {
        _header = location;
        return AddFile(location.FileSequence);
    }

    /// <summary>The header's record cannot be read any more.</summary>
    public void ForgetHeader() => _header = null;

    /// <summary>Adds the next frame.</summary>
    /// <returns>Whether its file is new to the segment.</returns>
    public bool Add(in FrameLocation location)
    {
        var isNew = AddFile(location.FileSequence);
        _rows.Add(new Row(
            location.FirstEntry.Value, location.Count, location.Length, checked((uint)(location.Position / PositionUnit)), _files.Count - 1));
        Bytes += location.Length;
        return isNew;
    }

    /// <summary>Removes frames above the entry. The files stay counted until the segment is dropped.</summary>
    public void CutAbove(EntryId last)
    {
        while (_rows.Count > 0 && _rows[^1].FirstEntry > last.Value)
        {
            Bytes -= _rows[^1].Length;
            _rows.RemoveAt(_rows.Count - 1);
        }
    }

    /// <summary>Indexes of the frames in one file: [First, End).</summary>
    public (int First, int End) RangeOf(ulong fileSequence)
    {
        var file = _files.IndexOf(fileSequence);
        return file < 0 ? (0, 0) : (FirstAtOrAfter(file), FirstAtOrAfter(file + 1));
    }

    /// <summary>Index of the frame that holds the entry; -1 if none does.</summary>
    public int Find(EntryId entry)
    {
        var (low, high) = (0, _rows.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var row = _rows[middle];
            if (entry.Value < row.FirstEntry)
                high = middle - 1;
            else if (entry.Value >= row.FirstEntry + row.Count)
                low = middle + 1;
            else
                return middle;
        }

        return -1;
    }

    private int FirstAtOrAfter(int file)
    {
        var (low, high) = (0, _rows.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_rows[middle].File < file)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    // Records come in the order of the files, so only the newest file can be missing.
    private bool AddFile(ulong sequence)
    {
        if (_files.Count > 0 && _files[^1] == sequence)
            return false;
        Invariant.Check(_files.Count == 0 || _files[^1] < sequence, "journal order is file order");
        _files.Add(sequence);
        return true;
    }

    private readonly record struct Row(long FirstEntry, int Count, int Length, uint Position, int File);
}
