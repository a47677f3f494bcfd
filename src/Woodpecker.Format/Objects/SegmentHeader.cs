using System.Buffers.Binary;
using System.Text;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Objects;

/// <summary>
/// What a segment begins with: identity, ensemble, fencing token and producer state at its start. Body of the SegmentOpen
/// record, of the header block of slot 0 and of uploaded objects. At most <see cref="Limits.MaxSegmentHeaderSize"/> bytes.
/// </summary>
/// <remarks>Shape: docs/FORMAT.md, section 3.4; a CRC32C over everything before it ends the header.</remarks>
public sealed record SegmentHeader
{
    internal const byte Version = 1;
    internal const int VersionAt = 4;
    internal const int LogAt = 8;
    internal const int SegmentAt = 16;
    internal const int EpochAt = 24;
    internal const int BaseOffsetAt = 32;
    internal const int CreatedAtAt = 40;
    internal const int FixedSize = 48;

    /// <summary>First bytes of a segment header.</summary>
    public static ReadOnlySpan<byte> Magic => "WPH1"u8;

    /// <summary>The log.</summary>
    public required LogId Log { get; init; }

    /// <summary>The segment.</summary>
    public required SegmentId Segment { get; init; }

    /// <summary>The writing epoch.</summary>
    public required LogEpoch Epoch { get; init; }

    /// <summary>Offset of the segment's first entry.</summary>
    public required Offset BaseOffset { get; init; }

    /// <summary>When the writer made the header, microseconds since 1970 UTC.</summary>
    public long CreatedAt { get; init; }

    /// <summary>The members; empty in MemoryBuffer.</summary>
    public IReadOnlyList<ReplicaId> Ensemble { get; init; } = [];

    /// <summary>The log's fencing token at the start of the segment; empty if none.</summary>
    public string FencingToken { get; init; } = "";

    /// <summary>The log's producers at the start of the segment, ordered by id.</summary>
    public IReadOnlyList<ProducerSnapshot> Producers { get; init; } = [];

    /// <summary>Extension TLVs as found, kept when the header is written again.</summary>
    public ReadOnlyMemory<byte> Extensions { get; init; }

    /// <summary>The segment as one value.</summary>
    public SegmentKey SegmentKey => new(Log, Segment);

    /// <summary>The chain before the segment's first entry.</summary>
    public ulong InitialChain => ChainHash.Start(Log, Segment, Epoch, BaseOffset);

    /// <summary>Encodes the header.</summary>
    /// <exception cref="InvariantViolationException">A part is over its limit or the producers are not ordered.</exception>
    public byte[] Encode()
    {
        var encoded = new byte[Measure()];
        Magic.CopyTo(encoded);
        encoded[VersionAt] = Version;
        BinaryPrimitives.WriteUInt64LittleEndian(encoded.AsSpan(LogAt), Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(encoded.AsSpan(SegmentAt), Segment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(encoded.AsSpan(EpochAt), Epoch.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(encoded.AsSpan(BaseOffsetAt), BaseOffset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(encoded.AsSpan(CreatedAtAt), CreatedAt);
        var writer = new SpanWriter(encoded.AsSpan(FixedSize));
        writer.WriteVarint((ulong)Ensemble.Count);
        foreach (var member in Ensemble)
        {
            writer.WriteText(member.NodeId);
            writer.WriteId(member.Incarnation);
            writer.WriteUInt32(member.Generation);
        }

        writer.WriteText(FencingToken);
        WriteProducers(ref writer);
        writer.WriteVarint((ulong)Extensions.Length);
        writer.WriteBytes(Extensions.Span);
        var crcAt = FixedSize + writer.Position;
        Invariant.Check(crcAt + sizeof(uint) == encoded.Length, "segment header: measured size equals written size");
        BinaryPrimitives.WriteUInt32LittleEndian(encoded.AsSpan(crcAt), Crc32C.Compute(encoded.AsSpan(0, crcAt)));
        return encoded;
    }

    /// <summary>Reads and checks a header; <paramref name="source"/> is exactly the header.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out SegmentHeader? header)
    {
        header = null;
        if (source.Length < FixedSize + sizeof(uint))
            return ReadStatus.NeedMore;
        if (source.Length > Limits.MaxSegmentHeaderSize)
            return ReadStatus.TooLarge("segment header", 0);
        if (!source[..4].SequenceEqual(Magic))
            return ReadStatus.Corrupt("segment header magic", 0);
        if (Crc32C.Compute(source[..^4]) != BinaryPrimitives.ReadUInt32LittleEndian(source[^4..]))
            return ReadStatus.Corrupt("segment header checksum", source.Length - 4);
        if (source[VersionAt] != Version)
            return ReadStatus.UnknownVersion("segment header version", VersionAt);
        if (source[5] != 0 || source[6] != 0 || source[7] != 0)
            return ReadStatus.Corrupt("segment header reserved bytes", 5);
        return SegmentHeaderReader.Read(source[..^4], out header);
    }

    private int Measure()
    {
        Invariant.Check(Ensemble.Count <= Limits.MaxEnsembleSize, "segment header: ensemble size");
        Invariant.Check(Producers.Count <= Limits.MaxProducers, "segment header: producer count");
        long size = FixedSize + Varint.SizeOf((ulong)Ensemble.Count) + SpanWriter.SizeOfText(FencingToken);
        Invariant.Check(Encoding.UTF8.GetByteCount(FencingToken) <= Limits.MaxFencingTokenSize, "segment header: token size");
        foreach (var member in Ensemble)
            size += SpanWriter.SizeOfText(member.NodeId) + 16 + sizeof(uint);
        size += Varint.SizeOf((ulong)Producers.Count);
        ProducerSnapshot? previous = null;
        foreach (var producer in Producers)
        {
            Invariant.Check(
                previous is null || Compare(previous.ProducerId, producer.ProducerId) < 0, "segment header: producers ordered by id");
            Invariant.Check(producer.Batches.Count <= ProducerSnapshot.MaxBatches, "segment header: batches of a producer");
            size += SizeOf(producer);
            previous = producer;
        }

        size += Varint.SizeOf((ulong)Extensions.Length) + Extensions.Length + sizeof(uint);
        Invariant.Check(size <= Limits.MaxSegmentHeaderSize, "segment header: size");
        return (int)size;
    }

    private static long SizeOf(ProducerSnapshot producer)
    {
        long size = 16 + Varint.SizeOf(producer.ProducerEpoch) + Varint.SizeOf(producer.LastSequence)
            + Varint.SizeOf(producer.LastOffset.Value) + Varint.SizeOf((ulong)producer.Batches.Count);
        foreach (var batch in producer.Batches)
            size += Varint.SizeOf(batch.FirstSequence) + Varint.SizeOf((ulong)batch.Count) + Varint.SizeOf(batch.FirstOffset.Value);
        return size;
    }

    private void WriteProducers(ref SpanWriter writer)
    {
        writer.WriteVarint((ulong)Producers.Count);
        foreach (var producer in Producers)
        {
            writer.WriteId(producer.ProducerId);
            writer.WriteVarint(producer.ProducerEpoch);
            writer.WriteVarint(producer.LastSequence);
            writer.WriteVarint(producer.LastOffset.Value);
            writer.WriteVarint((ulong)producer.Batches.Count);
            foreach (var batch in producer.Batches)
            {
                writer.WriteVarint(batch.FirstSequence);
                writer.WriteVarint((ulong)batch.Count);
                writer.WriteVarint(batch.FirstOffset.Value);
            }
        }
    }

    /// <summary>Order of producer ids in a header: that of their stored bytes.</summary>
    public static int Compare(Guid left, Guid right)
    {
        Span<byte> leftBytes = stackalloc byte[16];
        Span<byte> rightBytes = stackalloc byte[16];
        EntryHeader.WriteId(leftBytes, left);
        EntryHeader.WriteId(rightBytes, right);
        return leftBytes.SequenceCompareTo(rightBytes);
    }
}
