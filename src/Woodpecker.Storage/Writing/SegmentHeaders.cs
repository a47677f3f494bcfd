using Woodpecker.Format.Objects;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>Writer state to and from the segment header, which carries it from one reign to the next (P2).</summary>
internal static class SegmentHeaders
{
    /// <summary>The header of a segment that begins in this state.</summary>
    public static byte[] Encode(
        SegmentKey key, LogEpoch epoch, Offset baseOffset, long createdAt, IReadOnlyList<ReplicaId> members,
        AppendFold state)
    {
        var producers = new List<ProducerSnapshot>();
        foreach (var producer in state.Producers.Snapshot(baseOffset))
        {
            producers.Add(new ProducerSnapshot(
                producer.ProducerId,
                producer.ProducerEpoch,
                producer.LastSequence,
                producer.LastOffset,
                [.. producer.Ranges.Select(static r => new ProducerBatch(r.FirstSequence, r.Count, r.FirstOffset))]));
        }

        producers.Sort(static (a, b) => SegmentHeader.Compare(a.ProducerId, b.ProducerId));
        return new SegmentHeader
        {
            Log = key.Log,
            Segment = key.Segment,
            Epoch = epoch,
            BaseOffset = baseOffset,
            CreatedAt = createdAt,
            Ensemble = members,
            FencingToken = state.FencingToken,
            Producers = producers,
        }.Encode();
    }

    /// <summary>The state that a header holds.</summary>
    public static AppendFold Load(SegmentHeader header)
    {
        var state = AppendFold.Load(
            header.Producers.Select(static p => new ProducerState(
                p.ProducerId,
                p.ProducerEpoch,
                p.LastSequence,
                p.LastOffset,
                [.. p.Batches.Select(static b => new ProducerRange(b.FirstSequence, b.Count, b.FirstOffset))])),
            header.FencingToken);
        // A segment is not opened before the last entry of the one before it, whatever the clocks said.
        state.See(header.CreatedAt);
        return state;
    }
}
