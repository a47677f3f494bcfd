namespace Woodpecker.Format.Entries;

/// <summary>
/// Walks the entries of a frame or block body and verifies each: lengths, limits, bound checksum. After the last one the
/// body must be used up; <see cref="Chain"/> is then compared by the owner of the header. No allocation.
/// </summary>
public ref struct EntryBodyReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly BodyStart _start;
    private ProducerRows _producers;
    private EntryParts _parts;
    private ProducerStamp _stamp;
    private int _at;
    private int _read;

    /// <summary>Begins to read a body; failures of the producer table show in <see cref="Status"/>.</summary>
    public EntryBodyReader(ReadOnlySpan<byte> body, scoped in BodyStart start)
    {
        _body = body;
        _start = start;
        Chain = start.ChainBefore;
        Status = ProducerRows.Read(body, out _producers, out _at);
    }

    /// <summary>Ok while entries come; CleanEnd after the last one; else what is wrong.</summary>
    public ReadStatus Status { get; private set; }

    /// <summary>Chain over all entries read so far.</summary>
    public ulong Chain { get; private set; }

    /// <summary>The entry that <see cref="MoveNext"/> moved to.</summary>
    public readonly EntryView Current => new()
    {
        Id = _start.FirstEntry + (_read - 1),
        Offset = _start.FirstOffset + (_read - 1),
        Timestamp = _start.BaseTimestamp + _parts.TimestampDelta,
        Flags = _parts.Flags,
        Stamp = _stamp,
        Attributes = _parts.Attributes,
        FencingToken = _parts.AttributeSpans.FencingToken,
        Headers = _parts.AttributeSpans.Headers,
        Payload = _parts.Payload,
        EntryCrc = _parts.EntryCrc,
    };

    /// <summary>Reads and verifies the next entry; false at the end or at a failure (see <see cref="Status"/>).</summary>
    // hot path: no allocation per entry
    public bool MoveNext()
    {
        if (!Status.IsOk)
            return false;
        if (_read == _start.Count)
            return End();
        var entryAt = _at;
        Status = EntryHeader.Read(_body, ref _at, ref _parts);
        if (!Status.IsOk)
            return false;
        if ((_parts.Flags & EntryFlags.Producer) != 0)
        {
            if (_parts.ProducerIndex >= (ulong)_producers.Count)
                return Fail("producer index", entryAt);
            var row = _producers.Get((int)_parts.ProducerIndex);
            if (_parts.SequenceDelta > ulong.MaxValue - row.Sequence)
                return Fail("producer sequence", entryAt);
            _stamp = row with { Sequence = row.Sequence + _parts.SequenceDelta };
        }
        else
        {
            _stamp = default;
        }

        var crc = EntryHeader.ComputeCrc(
            _start.Log, _start.FirstOffset + _read, _start.BaseTimestamp + _parts.TimestampDelta, _parts.Flags, _stamp,
            _parts.Attributes, Crc32C.Compute(_parts.Payload));
        if (crc != _parts.EntryCrc)
            return Fail("entry checksum", entryAt);
        Chain = ChainHash.Next(Chain, crc);
        _read++;
        return true;
    }

    private bool End()
    {
        Status = _at == _body.Length ? ReadStatus.CleanEnd : ReadStatus.Corrupt("bytes behind the last entry", _at);
        return false;
    }

    private bool Fail(string reason, int at)
    {
        Status = ReadStatus.Corrupt(reason, at);
        return false;
    }
}
