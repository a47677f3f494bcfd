using Woodpecker.Segments;

namespace Woodpecker.Compaction;

/// <summary>Which offset a log's retention truncates to (C7). Pure; the clock only arrives as a value (X9).</summary>
/// <param name="MaxAge">Keys sealed longer ago go; null keeps for ever.</param>
/// <param name="MaxBytes">Stored bytes to keep at least; older keys beyond go; null keeps everything.</param>
public readonly record struct RetentionPolicy(TimeSpan? MaxAge, long? MaxBytes)
{
    /// <summary>Whether nothing is ever removed.</summary>
    public bool KeepsAll => MaxAge is null && MaxBytes is null;

    /// <summary>The truncation point that retention asks for.</summary>
    /// <param name="segments">All keys of the log, oldest first.</param>
    /// <param name="now">Microseconds since 1970 UTC.</param>
    /// <param name="smallestPin">With <c>retention.respectReaders</c>: the smallest offset pinned by a reader (D3).</param>
    /// <returns>Null if nothing goes. Whole keys only, and only sealed ones: at most the visible end (INV-27).</returns>
    public Offset? TruncateTo(IReadOnlyList<PlannedSegment> segments, long now, Offset? smallestPin)
    {
        ArgumentNullException.ThrowIfNull(segments);
        if (KeepsAll)
            return null;
        var byBytes = FirstKeptByBytes(segments);
        Offset? to = null;
        for (var i = 0; i < segments.Count; i++)
        {
            var segment = segments[i];
            if (!segment.IsOpenToJobs || segment.End is not { } end)
                break;
            var isOld = MaxAge is { } age && segment.SealedAt is { } sealedAt && now - sealedAt > age.TotalMicroseconds;
            if (!isOld && i >= byBytes)
                break;
            if (smallestPin is { } pin && pin < end)
                break;
            to = end;
        }

        return to;
    }

    // From the newest back: everything that fits stays.
    private int FirstKeptByBytes(IReadOnlyList<PlannedSegment> segments)
    {
        if (MaxBytes is not { } max)
            return 0;
        long kept = 0;
        for (var i = segments.Count - 1; i >= 0; i--)
        {
            if (segments[i].State is SegmentState.Truncated or SegmentState.Deleting)
                return i + 1;
            kept += segments[i].StoredBytes;
            if (kept > max)
                return i + 1;
        }

        return 0;
    }
}
