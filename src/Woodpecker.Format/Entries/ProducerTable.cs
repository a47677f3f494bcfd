namespace Woodpecker.Format.Entries;

/// <summary>
/// The producers of one frame or block: varint count, then per producer id (16 bytes), epoch varint, base sequence varint.
/// Built while entries are planned, reused from frame to frame.
/// </summary>
/// <remarks>Threads: one at a time.</remarks>
internal sealed class ProducerTable
{
    /// <summary>Upper bound of one row, in bytes.</summary>
    public const int MaxRowSize = 16 + 5 + Varint.MaxSize;

    /// <summary>Upper bound of the table, in bytes.</summary>
    public const int MaxSize = 2 + (Limits.MaxFrameProducers * MaxRowSize);

    private const int LinearSearchUpTo = 8;

    private readonly List<ProducerStamp> _rows = [];
    private readonly Dictionary<(Guid Id, uint Epoch), int> _latest = [];

    /// <summary>Number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>Encoded size, in bytes.</summary>
    public int EncodedSize { get; private set; } = 1;

    /// <summary>Forgets all rows; keeps the memory.</summary>
    public void Clear()
    {
        _rows.Clear();
        _latest.Clear();
        EncodedSize = 1;
    }

    /// <summary>The row of the stamp's producer, made if needed; -1 if the table is full.</summary>
    // hot path: no allocation per entry once the table has grown
    public int GetOrAdd(in ProducerStamp stamp)
    {
        var index = Find(stamp);
        // A lower sequence than the row's base cannot be written against it (deltas are unsigned): another row.
        if (index >= 0 && _rows[index].Sequence <= stamp.Sequence)
            return index;
        if (_rows.Count == Limits.MaxFrameProducers)
            return -1;
        EncodedSize += 16 + Varint.SizeOf(stamp.ProducerEpoch) + Varint.SizeOf(stamp.Sequence)
            + Varint.SizeOf((ulong)_rows.Count + 1) - Varint.SizeOf((ulong)_rows.Count);
        _rows.Add(stamp);
        _latest[(stamp.ProducerId, stamp.ProducerEpoch)] = _rows.Count - 1;
        return _rows.Count - 1;
    }

    /// <summary>Sequence number that deltas of the row count from.</summary>
    public ulong BaseSequence(int index) => _rows[index].Sequence;

    /// <summary>Writes the table and returns its size in bytes.</summary>
    public int Write(Span<byte> destination)
    {
        var at = Varint.Write(destination, (ulong)_rows.Count);
        foreach (var row in _rows)
        {
            EntryHeader.WriteId(destination[at..], row.ProducerId);
            at += 16;
            at += Varint.Write(destination[at..], row.ProducerEpoch);
            at += Varint.Write(destination[at..], row.Sequence);
        }

        return at;
    }

    private int Find(in ProducerStamp stamp)
    {
        if (_rows.Count > LinearSearchUpTo)
            return _latest.GetValueOrDefault((stamp.ProducerId, stamp.ProducerEpoch), -1);
        for (var i = _rows.Count - 1; i >= 0; i--)
        {
            if (_rows[i].ProducerId == stamp.ProducerId && _rows[i].ProducerEpoch == stamp.ProducerEpoch)
                return i;
        }

        return -1;
    }
}
