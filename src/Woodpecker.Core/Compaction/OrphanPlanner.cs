namespace Woodpecker.Compaction;

/// <summary>An object that a job wrote, as a listing shows it.</summary>
/// <param name="Name">Its key, opaque here.</param>
/// <param name="Segment">The segment in its name.</param>
/// <param name="JobToken">The token in its name.</param>
/// <param name="LastModified">Microseconds since 1970 UTC by the store's clock.</param>
public readonly record struct JobObject(string Name, SegmentId Segment, long JobToken, long LastModified);

/// <summary>Which objects nobody references nor ever can (C4). Pure.</summary>
public static class OrphanPlanner
{
    /// <summary>Chooses what may be deleted.</summary>
    /// <param name="objects">Objects of one log, listed BEFORE metadata was read.</param>
    /// <param name="referenced">
    /// (segment, token) of every manifest and gc record that metadata names at revision R. All objects of a manifest carry
    /// its job's token, so naming the manifest is naming them.
    /// </param>
    /// <param name="jobs">Token of the live job of each segment at revision R.</param>
    /// <param name="now">Microseconds since 1970 UTC.</param>
    /// <param name="grace">Younger objects are left alone: courtesy, not safety.</param>
    public static List<JobObject> Plan(
        IEnumerable<JobObject> objects,
        IReadOnlySet<(SegmentId Segment, long JobToken)> referenced,
        IReadOnlyDictionary<SegmentId, long> jobs,
        long now,
        TimeSpan grace)
    {
        ArgumentNullException.ThrowIfNull(objects);
        ArgumentNullException.ThrowIfNull(referenced);
        ArgumentNullException.ThrowIfNull(jobs);
        List<JobObject> orphans = [];
        foreach (var candidate in objects)
        {
            var isOld = now - candidate.LastModified > grace.TotalMicroseconds;
            var isReferenced = referenced.Contains((candidate.Segment, candidate.JobToken));
            // The token is dead if the job key is absent or was created again: its Publish can never succeed (X9).
            var isLive = jobs.TryGetValue(candidate.Segment, out var token) && token == candidate.JobToken;
            if (isOld && !isReferenced && (!isLive || Mutation.Is(KnownMistake.OrphansByAge)))
                orphans.Add(candidate);
        }

        return orphans;
    }
}
