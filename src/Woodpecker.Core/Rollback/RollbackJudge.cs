using System.Globalization;
using Woodpecker.Segments;

namespace Woodpecker.Rollback;

/// <summary>
/// Finds out from what a store remembers whether metadata went back to an older state (section 13). Pure.
/// </summary>
/// <remarks>
/// Everything a store holds was committed to metadata before it was sent here (INV-36, T1, T8). So metadata that was read
/// not earlier than the store was looked at, and still does not know it, is older than it was. The caller makes sure of the
/// order: look at the store, put through consensus, then read at or after that revision (X1).
/// </remarks>
public static class RollbackJudge
{
    /// <summary>What proves that metadata went back; empty if nothing does.</summary>
    /// <param name="held">What the store remembers.</param>
    /// <param name="known">What metadata knows; null if it does not know the log.</param>
    public static IReadOnlyList<string> Judge(HeldLog held, KnownLog? known)
    {
        ArgumentNullException.ThrowIfNull(held);
        if (known is { IsDeleted: true })
            return [];
        if (known is null)
        {
            return held.Promised > default(LogEpoch) || held.Copies.Count > 0
                ? [Say($"log {held.Log} is not known, but epoch {held.Promised} of it was promised")] : [];
        }

        var found = new List<string>();
        if (held.Promised > known.Epoch)
        {
            found.Add(held.Promised >= LogEpoch.Delete
                ? Say($"log {held.Log} was deleted, but has no tombstone")
                : Say($"epoch {held.Promised} of log {held.Log} was promised, but its epoch is {known.Epoch}"));
        }

        foreach (var copy in held.Copies)
        {
            if (copy.Epoch >= known.Floor && Judge(held.Log, copy, known) is { } proof)
                found.Add(proof);
        }

        return found;
    }

    private static string? Judge(LogId log, HeldCopy copy, KnownLog known)
    {
        var newest = known.Segments.Count == 0 ? null : known.Segments[^1];
        // The key with the highest id is never deleted (D2): what lies above it was never truncated.
        if (newest is null || copy.Segment.CompareTo(newest.LastSegment) > 0)
            return Say($"segment {copy.Segment} of log {log} is held, but the newest known one is {Newest(newest)}");
        var own = known.Segments.FirstOrDefault(s => s.Id == copy.Segment && s.LastSegment == copy.Segment);
        if (own is null or { State: SegmentState.Deleting })
            return null; // merged, or collected after truncation
        if (own.State == SegmentState.Prepared || own.Epoch != copy.Epoch)
            return Say($"segment {copy.Segment} of log {log} is held of epoch {copy.Epoch}, but is known as {own.State} of epoch {own.Epoch}");
        if (copy.SealedEntry is not { } last)
            return null;
        return own.LastEntry is { } end && end == last && own.Chain == copy.SealedChain ? null
            : Say($"segment {copy.Segment} of log {log} was sealed at entry {last}, but is known as {own.State} {End(own)}");
    }

    private static string Newest(KnownSegment? newest) => newest is null ? "none" : newest.LastSegment.ToString();

    private static string End(KnownSegment segment) => segment.LastEntry is { } last ? Say($"at entry {last}") : "without an end";

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
