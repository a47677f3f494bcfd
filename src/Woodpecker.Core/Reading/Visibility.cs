namespace Woodpecker.Reading;

/// <summary>
/// The visible end of a log for one reader: never goes back (INV-7), never passes what the owner confirmed or metadata
/// sealed (V1, INV-8). Single-threaded.
/// </summary>
public sealed class Visibility
{
    /// <summary>Offset after the last entry this reader may hand out.</summary>
    public Offset End { get; private set; }

    /// <summary>Takes what metadata proves: everything in sealed segments is visible.</summary>
    public void Learn(LogView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        Raise(view.SealedEnd);
    }

    /// <summary>Takes what a member of a segment reported as the last entry readers may see.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="lastVisible">LAC or sealed end by that member; <see cref="EntryId.None"/> for none.</param>
    public void Learn(ReadSegment segment, EntryId lastVisible)
    {
        ArgumentNullException.ThrowIfNull(segment);
        var reported = segment.Base + (lastVisible.Value + 1);
        // A member that missed the seal may count entries that the seal cut off; metadata decides.
        Raise(segment.End is { } end && reported > end ? end : reported);
    }

    /// <summary>Offset after the last entry of the segment that may be handed out now.</summary>
    public Offset LimitOf(ReadSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (segment.End is { } end)
            return end;
        return End > segment.Base ? End : segment.Base;
    }

    private void Raise(Offset candidate)
    {
        if (candidate > End)
            End = candidate;
    }
}
