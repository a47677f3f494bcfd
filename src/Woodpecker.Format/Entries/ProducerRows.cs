namespace Woodpecker.Format.Entries;

/// <summary>The producer table of a body under reading. Walks the rows instead of materialising them: no allocation.</summary>
internal ref struct ProducerRows
{
    private ReadOnlySpan<byte> _rows;
    private int _cachedIndex;
    private ProducerStamp _cached;
    private int _walkIndex;
    private int _walkAt;

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Reads and checks the table at the start of a body.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> body, out ProducerRows rows, out int length)
    {
        rows = default;
        length = 0;
        var at = 0;
        if (!Varint.TryRead(body, ref at, out var count))
            return ReadStatus.Corrupt("producer count is cut", 0);
        if (count > Limits.MaxFrameProducers)
            return ReadStatus.TooLarge("producer table", 0);
        var start = at;
        for (ulong i = 0; i < count; i++)
        {
            if (!TryReadRow(body, ref at, out _))
                return ReadStatus.Corrupt("producer table is cut", at);
        }

        rows._rows = body[start..at];
        rows._cachedIndex = -1;
        rows.Count = (int)count;
        length = at;
        return ReadStatus.Ok;
    }

    /// <summary>The row's producer and base sequence. Neighbouring entries mostly share a row, which is kept.</summary>
    public ProducerStamp Get(int index)
    {
        if (index == _cachedIndex)
            return _cached;
        if (index < _walkIndex)
            (_walkIndex, _walkAt) = (0, 0);
        ProducerStamp row = default;
        while (_walkIndex <= index)
        {
            Invariant.Check(TryReadRow(_rows, ref _walkAt, out row), "producer rows were checked before");
            _walkIndex++;
        }

        (_cachedIndex, _cached) = (index, row);
        return row;
    }

    private static bool TryReadRow(ReadOnlySpan<byte> source, ref int at, out ProducerStamp row)
    {
        row = default;
        if (source.Length - at < 16)
            return false;
        var id = EntryHeader.ReadId(source[at..]);
        at += 16;
        if (!Varint.TryRead(source, ref at, out var epoch) || epoch > uint.MaxValue || !Varint.TryRead(source, ref at, out var sequence))
            return false;
        row = new ProducerStamp(id, (uint)epoch, sequence);
        return true;
    }
}
