using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Replica.Uploading;

/// <summary>A segment that this replica could upload.</summary>
/// <param name="Key">The segment.</param>
/// <param name="Segment">Its metadata as last read.</param>
/// <param name="IsUnderReplicated">Whether fewer whole copies exist than were promised: it goes first (U8).</param>
/// <param name="IsAgain">Whether its published objects are damaged and are to be written again (C7).</param>
internal readonly record struct UploadCandidate(
    SegmentKey Key, Versioned<SegmentValue> Segment, bool IsUnderReplicated, bool IsAgain)
{
    /// <summary>What is lost most easily first, then oldest first.</summary>
    public static int Compare(UploadCandidate left, UploadCandidate right)
    {
        var byNeed = (right.IsUnderReplicated || right.IsAgain).CompareTo(left.IsUnderReplicated || left.IsAgain);
        if (byNeed != 0)
            return byNeed;
        var byAge = (left.Segment.Value.SealedAt ?? 0).CompareTo(right.Segment.Value.SealedAt ?? 0);
        return byAge != 0 ? byAge : left.Key.CompareTo(right.Key);
    }
}
