namespace Woodpecker.Format.Entries;

/// <summary>Reads one frame: header and body checksums first, then the entries one by one, then the chain. No allocation.</summary>
/// <remarks>
/// Shape: <c>if (FrameReader.Open(bytes, out var reader) is { IsOk: true }) while (reader.MoveNext()) use(reader.Current);</c>
///        and afterwards <see cref="Status"/> must be <see cref="ReadStatusKind.CleanEnd"/>; entries seen before a failure
///        are each verified, but only a clean end proves that none is missing.
/// </remarks>
public ref struct FrameReader
{
    private EntryBodyReader _entries;
    private bool _isLastOfBatch;

    private FrameReader(scoped in FrameHeader header, ReadOnlySpan<byte> body)
    {
        Header = header;
        var start = new BodyStart(
            header.Log, header.FirstEntry, header.FirstOffset, header.Count, header.BaseTimestamp, header.ChainBefore);
        _entries = new EntryBodyReader(body, start);
        _isLastOfBatch = true;
        Status = _entries.Status;
    }

    /// <summary>The frame's header.</summary>
    public FrameHeader Header { get; }

    /// <summary>Ok while entries come; CleanEnd when everything passed; else what is wrong.</summary>
    public ReadStatus Status { get; private set; }

    /// <summary>The entry that <see cref="MoveNext"/> moved to.</summary>
    public readonly EntryView Current => _entries.Current;

    /// <summary>Checks header, length and body checksum of the frame at the start of <paramref name="source"/>.</summary>
    public static ReadStatus Open(ReadOnlySpan<byte> source, out FrameReader reader)
    {
        reader = default;
        var status = FrameHeader.Read(source, out var header);
        if (!status.IsOk)
            return status;
        if (source.Length < header.FrameLength)
            return ReadStatus.NeedMore;
        var body = source.Slice(FrameHeader.Size, header.BodyLength);
        if (Crc32C.Compute(body) != header.BodyCrc)
            return ReadStatus.Corrupt("frame body checksum", FrameHeader.Size);
        reader = new FrameReader(header, body);
        return reader.Status;
    }

    /// <summary>Verifies everything about a buffer that must hold exactly one frame: the check at every hand-over (W2).</summary>
    // hot path: no allocation per entry
    public static ReadStatus Verify(ReadOnlySpan<byte> frame, out FrameHeader header)
    {
        var status = Open(frame, out var reader);
        header = reader.Header;
        if (!status.IsOk)
            return status;
        if (frame.Length != header.FrameLength)
            return ReadStatus.Corrupt("bytes behind the frame", header.FrameLength);
        while (reader.MoveNext())
        {
        }

        return reader.Status.Kind == ReadStatusKind.CleanEnd ? ReadStatus.Ok : reader.Status;
    }

    /// <summary>Moves to the next entry; false at the end or at a failure.</summary>
    public bool MoveNext()
    {
        if (!Status.IsOk)
            return false;
        if (_entries.MoveNext())
        {
            // INV-35: batches neither span frames nor overlap.
            var flags = _entries.Current.Flags;
            if (((flags & EntryFlags.FirstOfBatch) != 0) != _isLastOfBatch)
                return Fail(ReadStatus.Corrupt("batch boundaries", FrameHeader.Size));
            _isLastOfBatch = (flags & EntryFlags.LastOfBatch) != 0;
            return true;
        }

        if (_entries.Status.Kind != ReadStatusKind.CleanEnd)
            return Fail(_entries.Status with { At = _entries.Status.At + FrameHeader.Size });
        if (!_isLastOfBatch)
            return Fail(ReadStatus.Corrupt("batch is cut", FrameHeader.Size));
        if (_entries.Chain != Header.ChainAfter)
            return Fail(ReadStatus.Corrupt("chain", FrameHeader.ChainAfterAt));
        return Fail(ReadStatus.CleanEnd);
    }

    private bool Fail(ReadStatus status)
    {
        Status = status;
        return false;
    }
}
