using Woodpecker.Compaction;
using Woodpecker.Segments;

namespace Woodpecker.Compactor.Jobs;

/// <summary>Chooses the jobs of one log from its keys: data that is only in slots first, merges afterwards. Pure.</summary>
internal static class JobChooser
{
    /// <summary>Chooses what to do now. A merge counts on keys that a copy job may change: those are left for the next pass.</summary>
    public static IReadOnlyList<LogJob> Choose(IReadOnlyList<PlannedSegment> segments, CompactionPolicy policy)
    {
        List<LogJob> jobs = [];
        for (var i = 0; i < segments.Count; i++)
        {
            var segment = segments[i];
            if (segment.State != SegmentState.Sealed)
                continue;
            // Entries of QuorumBuffer are uploaded by a member of the ensemble, which has them on its own disk.
            if (segment.EntryCount == 0)
                jobs.Add(new LogJob(LogJobKind.PublishEmpty, i, default));
            else if (segment.HasSlots)
                jobs.Add(new LogJob(LogJobKind.CopySlots, i, default));
        }

        foreach (var plan in CompactionPlanner.Plan(segments, policy))
            jobs.Add(new LogJob(LogJobKind.Merge, plan.FirstIndex, plan));
        return jobs;
    }
}
