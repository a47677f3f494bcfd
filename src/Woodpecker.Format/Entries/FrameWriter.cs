namespace Woodpecker.Format.Entries;

/// <summary>Encodes whole client batches as one frame; wire, journal and recovery carry the bytes made here (principle 6).</summary>
/// <remarks>
/// Ownership: entries and destination are borrowed for the call. The writer keeps only its own scratch memory.
/// Threads:   one at a time; one instance per log is the intended use.
/// </remarks>
public sealed class FrameWriter
{
    private readonly ProducerTable _producers = new();
    private int[] _producerIndex = new int[64];

    /// <summary>Upper bound of the frame's size for these entries, in bytes: how large a buffer to bring.</summary>
    public static int MaxSize(ReadOnlySpan<EntryToWrite> entries)
    {
        var size = FrameHeader.Size + 3;
        foreach (ref readonly var entry in entries)
            size = checked(size + entry.MaxEncodedSize);
        return size;
    }

    /// <summary>Writes one frame.</summary>
    /// <param name="start">Identity and first ids of the frame.</param>
    /// <param name="entries">
    /// 1 to <see cref="Limits.MaxFrameEntries"/> entries: whole client batches (INV-35) of at most
    /// <see cref="Limits.MaxFrameProducers"/> producers.
    /// </param>
    /// <param name="destination">At least <see cref="MaxSize"/> bytes.</param>
    // hot path: no allocation per entry
    public FrameWritten Write(in FrameStart start, ReadOnlySpan<EntryToWrite> entries, Span<byte> destination)
    {
        Invariant.Check(entries.Length is > 0 and <= Limits.MaxFrameEntries, "frame: entry count");
        Invariant.Check(entries[0].IsFirstOfBatch && entries[^1].IsLastOfBatch, "INV-35: a frame holds whole batches");
        PlanProducers(entries);

        var body = destination[FrameHeader.Size..];
        var baseTimestamp = entries[0].Timestamp;
        var chain = start.ChainBefore;
        var at = _producers.Write(body);
        for (var i = 0; i < entries.Length; i++)
        {
            ref readonly var entry = ref entries[i];
            var flags = entry.Flags;
            var stamp = entry.Stamp.GetValueOrDefault();
            var payload = entry.Payload.Span;
            var attributes = entry.Attributes.Encoded.Span;
            var crc = EntryHeader.ComputeCrc(
                start.Log, start.FirstOffset + i, entry.Timestamp, flags, stamp, attributes,
                entry.PayloadCrc ?? Crc32C.Compute(payload));
            var index = _producerIndex[i];
            var sequenceDelta = index < 0 ? 0 : stamp.Sequence - _producers.BaseSequence(index);
            at += EntryHeader.Write(
                body[at..], flags, entry.Timestamp - baseTimestamp, index, sequenceDelta, attributes, payload, crc);
            chain = ChainHash.Next(chain, crc);
        }

        Invariant.Check(at <= Limits.MaxFrameSize - FrameHeader.Size, "frame: size");
        var header = new FrameHeader
        {
            BodyLength = at,
            Count = entries.Length,
            Log = start.Log,
            Segment = start.Segment,
            Epoch = start.Epoch,
            FirstEntry = start.FirstEntry,
            FirstOffset = start.FirstOffset,
            Lac = start.Lac,
            ChainBefore = start.ChainBefore,
            ChainAfter = chain,
            BaseTimestamp = baseTimestamp,
            BodyCrc = Crc32C.Compute(body[..at]),
        };
        header.Write(destination);
        return new FrameWritten(header.FrameLength, chain);
    }

    // The table stands before the entries, so producers are collected first.
    private void PlanProducers(ReadOnlySpan<EntryToWrite> entries)
    {
        if (_producerIndex.Length < entries.Length)
            _producerIndex = new int[Math.Min(Limits.MaxFrameEntries, Math.Max(entries.Length, 2 * _producerIndex.Length))];
        _producers.Clear();
        for (var i = 0; i < entries.Length; i++)
        {
            ref readonly var entry = ref entries[i];
            _producerIndex[i] = entry.Stamp is { } stamp ? _producers.GetOrAdd(stamp) : -1;
            Invariant.Check(entry.Stamp is null || _producerIndex[i] >= 0, "frame: producer count");
        }
    }
}
