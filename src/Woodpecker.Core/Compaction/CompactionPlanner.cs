using Woodpecker.Segments;

namespace Woodpecker.Compaction;

/// <summary>Chooses runs of adjacent published keys to merge (C1). Pure.</summary>
/// <remarks>
/// A run never holds the newest key nor the newest key with entries (its objects carry the segment header that the next
/// takeover loads), never crosses a declared loss, and is worth it: no key of it is larger than all others together, so
/// that a byte is rewritten only a logarithmic number of times.
/// </remarks>
public static class CompactionPlanner
{
    /// <summary>Plans merges over all keys of a log, oldest first.</summary>
    /// <returns>Disjoint plans, oldest first.</returns>
    public static List<CompactionPlan> Plan(IReadOnlyList<PlannedSegment> segments, CompactionPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentNullException.ThrowIfNull(policy);
        List<CompactionPlan> plans = [];
        var end = EndOfMergeable(segments);
        for (var first = 0; first < end;)
        {
            var plan = Best(segments, first, end, policy);
            if (plan is { } found)
                plans.Add(found);
            first += plan?.Count ?? 1;
        }

        return plans;
    }

    private static int EndOfMergeable(IReadOnlyList<PlannedSegment> segments)
    {
        var end = segments.Count - 1;
        for (var i = segments.Count - 1; i >= 0; i--)
        {
            end = Math.Min(end, i);
            if (segments[i].EntryCount > 0)
                break;
        }

        return end;
    }

    /// <summary>The longest worthwhile run that begins at <paramref name="first"/>; null if none does.</summary>
    private static CompactionPlan? Best(
        IReadOnlyList<PlannedSegment> segments, int first, int end, CompactionPolicy policy)
    {
        CompactionPlan? best = null;
        long bytes = 0;
        long largest = 0;
        ulong covered = 0;
        for (var i = first; i < end && i - first < policy.MaxKeys; i++)
        {
            var segment = segments[i];
            covered += segment.Last.Value - segment.First.Value + 1;
            if (segment.State != SegmentState.Compacted
                || covered > (ulong)policy.MaxSegments
                || (i > first && !Joins(segments[i - 1], segment)))
            {
                break;
            }

            bytes += segment.StoredBytes;
            if (bytes > policy.TargetBytes && i > first)
                break;
            largest = Math.Max(largest, segment.StoredBytes);
            var count = i - first + 1;
            var isEnough = count >= policy.MinKeys || (count > 1 && bytes >= policy.TargetBytes / 2);
            if (isEnough && largest <= bytes - largest + SmallKey)
                best = new CompactionPlan(first, count, bytes);
        }

        return best;
    }

    // Keys of almost nothing (idle logs, empty segments) may always join: metadata keys are what they cost.
    private const long SmallKey = 1024 * 1024;

    private static bool Joins(in PlannedSegment left, in PlannedSegment right) =>
        !left.HasLoss && left.Last.Next == right.First && left.End == right.BaseOffset;
}
