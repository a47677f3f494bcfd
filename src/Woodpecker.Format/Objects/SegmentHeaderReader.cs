using System.Buffers.Binary;

namespace Woodpecker.Format.Objects;

/// <summary>The variable part of a segment header; counts are checked against what the remaining bytes can hold.</summary>
internal static class SegmentHeaderReader
{
    private const int MaxNodeIdSize = 64;
    private const int SmallestMember = 1 + 16 + 4;
    private const int SmallestProducer = 16 + 4;
    private const int SmallestBatch = 3;

    public static ReadStatus Read(ReadOnlySpan<byte> source, out SegmentHeader? header)
    {
        header = null;
        var reader = new SpanReader(source[SegmentHeader.FixedSize..]);
        var baseOffset = BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentHeader.BaseOffsetAt..]);
        if (baseOffset > Limits.MaxOffset)
            return ReadStatus.Corrupt("segment header base offset", SegmentHeader.BaseOffsetAt);
        if (!TryReadEnsemble(ref reader, out var ensemble))
            return Cut("ensemble", reader);
        if (!reader.TryReadText(Limits.MaxFencingTokenSize, out var token))
            return Cut("fencing token", reader);
        if (!TryReadProducers(ref reader, out var producers))
            return Cut("producers", reader);
        var extensionsAt = reader.Position;
        var status = Extensions.Read(reader.Source, ref extensionsAt, out var extensions);
        if (!status.IsOk)
            return status;
        if (extensionsAt != reader.Source.Length)
            return Cut("end", reader);
        header = new SegmentHeader
        {
            Log = new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentHeader.LogAt..])),
            Segment = new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentHeader.SegmentAt..])),
            Epoch = new LogEpoch(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentHeader.EpochAt..])),
            BaseOffset = new Offset(baseOffset),
            CreatedAt = BinaryPrimitives.ReadInt64LittleEndian(source[SegmentHeader.CreatedAtAt..]),
            Ensemble = ensemble,
            FencingToken = token,
            Producers = producers,
            Extensions = extensions.ToArray(),
        };
        return ReadStatus.Ok;
    }

    private static bool TryReadEnsemble(ref SpanReader reader, out ReplicaId[] ensemble)
    {
        ensemble = [];
        if (!reader.TryReadCount(Limits.MaxEnsembleSize, SmallestMember, out var count))
            return false;
        ensemble = new ReplicaId[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadText(MaxNodeIdSize, out var node) || !reader.TryReadId(out var incarnation) || !reader.TryReadUInt32(out var generation))
                return false;
            ensemble[i] = new ReplicaId(node, incarnation, generation);
        }

        return true;
    }

    private static bool TryReadProducers(ref SpanReader reader, out ProducerSnapshot[] producers)
    {
        producers = [];
        if (!reader.TryReadCount(Limits.MaxProducers, SmallestProducer, out var count))
            return false;
        producers = new ProducerSnapshot[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadId(out var id)
                || !reader.TryReadVarint(uint.MaxValue, out var epoch)
                || !reader.TryReadVarint(ulong.MaxValue, out var lastSequence)
                || !reader.TryReadVarint(Limits.MaxOffset, out var lastOffset)
                || !TryReadBatches(ref reader, out var batches))
            {
                return false;
            }

            if (i > 0 && SegmentHeader.Compare(producers[i - 1].ProducerId, id) >= 0)
                return false;
            producers[i] = new ProducerSnapshot(id, (uint)epoch, lastSequence, new Offset(lastOffset), batches);
        }

        return true;
    }

    private static bool TryReadBatches(ref SpanReader reader, out ProducerBatch[] batches)
    {
        batches = [];
        if (!reader.TryReadCount(ProducerSnapshot.MaxBatches, SmallestBatch, out var count))
            return false;
        batches = new ProducerBatch[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadVarint(ulong.MaxValue, out var firstSequence)
                || !reader.TryReadVarint(int.MaxValue, out var entries)
                || !reader.TryReadVarint(Limits.MaxOffset, out var firstOffset))
            {
                return false;
            }

            batches[i] = new ProducerBatch(firstSequence, (int)entries, new Offset(firstOffset));
        }

        return true;
    }

    private static ReadStatus Cut(string part, in SpanReader reader) =>
        ReadStatus.Corrupt(
            part switch
            {
                "ensemble" => "segment header ensemble",
                "fencing token" => "segment header fencing token",
                "producers" => "segment header producers",
                _ => "bytes behind the segment header",
            },
            SegmentHeader.FixedSize + reader.Position);
}
