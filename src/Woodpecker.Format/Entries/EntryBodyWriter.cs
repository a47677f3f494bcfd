namespace Woodpecker.Format.Entries;

/// <summary>
/// Writes verified entries again as the body of a block: producer table and entries, with the entry checksums they came
/// with (principle 4). Entries are added one by one; the table, known only at the end, is put in front of them.
/// </summary>
/// <remarks>
/// Ownership: the buffer is borrowed from <see cref="Begin"/> until the caller is done with the finished body, which is a
///            slice of it.
/// Threads:   one at a time; made once and used for block after block.
/// </remarks>
public sealed class EntryBodyWriter
{
    /// <summary>Bytes at the start of the buffer kept for the producer table.</summary>
    public const int ReservedSize = ProducerTable.MaxSize;

    private readonly ProducerTable _producers = new();
    private Memory<byte> _buffer;
    private BodyStart _start;
    private int _at;

    /// <summary>Entries added so far.</summary>
    public int Count { get; private set; }

    /// <summary>Size of the body if it were finished now, in bytes.</summary>
    public int BodyLength => _producers.EncodedSize + _at - ReservedSize;

    /// <summary>Chain over all entries up to the last added.</summary>
    public ulong Chain { get; private set; }

    /// <summary>Largest timestamp added.</summary>
    public long MaxTimestamp { get; private set; }

    /// <summary>Identity of the body: first ids, base timestamp, chain before, and the count so far.</summary>
    public BodyStart Start => _start with { Count = Count };

    /// <summary>Begins a body.</summary>
    /// <param name="log">The log.</param>
    /// <param name="chainBefore">Chain before the first entry.</param>
    /// <param name="buffer">At least <see cref="ReservedSize"/> bytes and room for the entries.</param>
    public void Begin(LogId log, ulong chainBefore, Memory<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, ReservedSize);
        _buffer = buffer;
        _start = new BodyStart(log, default, default, 0, 0, chainBefore);
        _producers.Clear();
        _at = ReservedSize;
        Count = 0;
        Chain = chainBefore;
        MaxTimestamp = long.MinValue;
    }

    /// <summary>Adds the next entry; false if the buffer or the producer table has no room for it: finish and begin anew.</summary>
    /// <param name="entry">The entry that follows the last one added, by id and offset.</param>
    // hot path: no allocation per entry
    public bool TryAdd(in EntryView entry)
    {
        if (Count == 0)
            _start = _start with { FirstEntry = entry.Id, FirstOffset = entry.Offset, BaseTimestamp = entry.Timestamp };
        Invariant.Check(
            entry.Id == _start.FirstEntry + Count && entry.Offset == _start.FirstOffset + Count, "body: entries are contiguous");
        var needed = EntryHeader.MaxFixedSize + entry.Attributes.Length + entry.Payload.Length;
        if (_buffer.Length - _at < needed)
            return false;
        var index = -1;
        ulong sequenceDelta = 0;
        if (entry.HasStamp)
        {
            index = _producers.GetOrAdd(entry.Stamp);
            if (index < 0)
                return false;
            sequenceDelta = entry.Stamp.Sequence - _producers.BaseSequence(index);
        }

        _at += EntryHeader.Write(
            _buffer.Span[_at..], entry.Flags, entry.Timestamp - _start.BaseTimestamp, index, sequenceDelta,
            entry.Attributes, entry.Payload, entry.EntryCrc);
        Chain = ChainHash.Next(Chain, entry.EntryCrc);
        MaxTimestamp = Math.Max(MaxTimestamp, entry.Timestamp);
        Count++;
        return true;
    }

    /// <summary>Puts the producer table in front of the entries and returns the body, a slice of the buffer.</summary>
    public Memory<byte> Finish()
    {
        var first = ReservedSize - _producers.EncodedSize;
        var written = _producers.Write(_buffer.Span[first..]);
        Invariant.Check(written == _producers.EncodedSize, "body: measured table size equals written size");
        return _buffer[first.._at];
    }
}
