namespace Woodpecker.Segments;

/// <summary>
/// The legal edges between segment states. Asserted when a state is written AND when it is read: any other edge is a
/// defect (INV-14). Null stands for "no key".
/// </summary>
public static class SegmentLifecycle
{
    /// <summary>Whether a transaction may take a segment from one state to the other.</summary>
    public static bool IsLegal(SegmentState? from, SegmentState? to) => (from, to) switch
    {
        (null, SegmentState.Prepared or SegmentState.Open) => true,
        (SegmentState.Prepared, SegmentState.Prepared or SegmentState.Open or null) => true,
        (SegmentState.Open, SegmentState.Sealed or SegmentState.Recovering) => true,
        (SegmentState.Recovering, SegmentState.Recovering or SegmentState.Sealed) => true,
        (SegmentState.Sealed, SegmentState.Compacted or SegmentState.Truncated) => true,
        (SegmentState.Compacted, SegmentState.Compacted or SegmentState.Truncated) => true,
        (SegmentState.Truncated, SegmentState.Deleting) => true,
        (SegmentState.Deleting, null) => true,
        _ => false,
    };

    /// <summary>
    /// Whether deletion of the whole log may take a segment from one state to the other: every state may go.
    /// </summary>
    public static bool IsLegalForDeletedLog(SegmentState? from, SegmentState? to) =>
        IsLegal(from, to) || (from is not null && to is SegmentState.Deleting);

    /// <summary>Fails unless the edge is legal.</summary>
    public static void Check(SegmentState? from, SegmentState? to) => Invariant.Check(IsLegal(from, to), "INV-14");

    /// <summary>Whether the last entry of a segment in this state is fixed (INV-15).</summary>
    public static bool HasFixedEnd(SegmentState state) => state >= SegmentState.Sealed;

    /// <summary>Whether a writer or recoverer may still move the end.</summary>
    public static bool IsActive(SegmentState state) => state is SegmentState.Open or SegmentState.Recovering;

    /// <summary>Whether background jobs may change the segment's key (X4, INV-26).</summary>
    public static bool IsOpenToJobs(SegmentState state) => state >= SegmentState.Sealed;
}
