using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Replica.Care;

/// <summary>Finds the metadata key that speaks for a segment: its own, or the merged one that absorbed it.</summary>
internal static class CoveringKey
{
    /// <summary>The key with the highest id at or below the segment's that covers it; null if none does.</summary>
    public static (SegmentId Id, Versioned<SegmentValue> Segment)? Find(
        IReadOnlyList<(SegmentId Id, Versioned<SegmentValue> Segment)> keys, SegmentId segment)
    {
        for (var i = keys.Count - 1; i >= 0; i--)
        {
            var (id, value) = keys[i];
            if (id.Value > segment.Value)
                continue;
            return id == segment || value.Value.LastSegment?.Value >= segment.Value ? (id, value) : null;
        }

        return null;
    }
}
