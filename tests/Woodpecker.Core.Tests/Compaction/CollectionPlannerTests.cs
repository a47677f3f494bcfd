using Woodpecker.Compaction;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Compaction;

public sealed class CollectionPlannerTests
{
    private const long Hour = 3_600_000_000;

    [Fact]
    public void Retention_ByAge_TruncatesWholeKeys()
    {
        var keys = Keys(5);
        var policy = new RetentionPolicy(TimeSpan.FromHours(3), null);
        Assert.Null(policy.TruncateTo(keys, now: 3 * Hour, null));
        Assert.Equal(new Offset(200), policy.TruncateTo(keys, now: (4 * Hour) + 1, null));
        Assert.Equal(new Offset(500), policy.TruncateTo(keys, now: 100 * Hour, null)); // Logically even the newest sealed key.
    }

    [Fact]
    public void Retention_ByBytes_KeepsTheNewest()
    {
        var keys = Keys(5);
        Assert.Equal(new Offset(200), new RetentionPolicy(null, 350).TruncateTo(keys, 0, null));
        Assert.Null(new RetentionPolicy(null, 500).TruncateTo(keys, 0, null));
        Assert.Equal(new Offset(400), new RetentionPolicy(null, 150).TruncateTo(keys, 0, null));
    }

    [Fact]
    public void Retention_NeverReachesAnOpenSegment()
    {
        var keys = Keys(5);
        keys[3] = keys[3] with { State = SegmentState.Open, End = null };
        Assert.Equal(new Offset(300), new RetentionPolicy(TimeSpan.Zero, 0).TruncateTo(keys, 100 * Hour, null));
    }

    [Fact]
    public void Retention_WaitsForPins_WhereItShould() // D3
    {
        var policy = new RetentionPolicy(TimeSpan.FromHours(1), null);
        Assert.Equal(new Offset(200), policy.TruncateTo(Keys(5), 100 * Hour, new Offset(250)));
        Assert.Null(policy.TruncateTo(Keys(5), 100 * Hour, new Offset(50)));
        Assert.Equal(new Offset(500), policy.TruncateTo(Keys(5), 100 * Hour, new Offset(500)));
    }

    [Fact]
    public void Retention_WithoutLimits_KeepsAll() =>
        Assert.Null(default(RetentionPolicy).TruncateTo(Keys(5), long.MaxValue, null));

    [Fact]
    public void Truncation_WalksWholeKeys_AndLeavesTheNewest() // D2
    {
        var keys = Keys(3);
        Assert.Equal(CollectionStep.None, TruncationPlanner.Next(keys, 0, new Offset(99)));
        Assert.Equal(CollectionStep.MarkTruncated, TruncationPlanner.Next(keys, 0, new Offset(100)));
        Assert.Equal(CollectionStep.MarkTruncated, TruncationPlanner.Next(keys, 1, new Offset(300)));
        Assert.Equal(CollectionStep.None, TruncationPlanner.Next(keys, 2, new Offset(300)));

        // A Prepared key carries no end offset, so the one before it is still the newest that does.
        var prepared = new PlannedSegment(new SegmentId(3), new SegmentId(3), SegmentState.Prepared, default, null, 0, null, false, false);
        Assert.Equal(CollectionStep.None, TruncationPlanner.Next([.. keys, prepared], 2, new Offset(300)));
    }

    [Fact]
    public void Truncation_LeavesTheNewestKeyWithEntries() // D2, T8
    {
        var keys = Keys(4);
        keys[2] = keys[2] with { End = keys[2].BaseOffset };
        keys[3] = keys[3] with { State = SegmentState.Open, BaseOffset = new Offset(200), End = null };
        Assert.Equal(CollectionStep.MarkTruncated, TruncationPlanner.Next(keys, 0, new Offset(200)));
        Assert.Equal(CollectionStep.None, TruncationPlanner.Next(keys, 1, new Offset(200)));
        Assert.Equal(CollectionStep.None, TruncationPlanner.Next(keys, 2, new Offset(200)));

        keys[3] = keys[3] with { State = SegmentState.Sealed, End = new Offset(201) };
        Assert.Equal(CollectionStep.MarkTruncated, TruncationPlanner.Next(keys, 1, new Offset(200)));
        Assert.Equal(CollectionStep.MarkTruncated, TruncationPlanner.Next(keys, 2, new Offset(200)));
    }

    [Theory]
    [InlineData(SegmentState.Prepared, 0, CollectionStep.None)]
    [InlineData(SegmentState.Open, 0, CollectionStep.None)]
    [InlineData(SegmentState.Recovering, 0, CollectionStep.None)]
    [InlineData(SegmentState.Truncated, 0, CollectionStep.MarkDeleting)]
    [InlineData(SegmentState.Truncated, 1, CollectionStep.MarkDeleting)]
    [InlineData(SegmentState.Deleting, 0, CollectionStep.DropKey)]
    [InlineData(SegmentState.Deleting, 1, CollectionStep.None)]
    public void Truncation_FollowsTheStates(SegmentState state, int index, CollectionStep expected)
    {
        var keys = Keys(3);
        keys[index] = keys[index] with { State = state };
        Assert.Equal(expected, TruncationPlanner.Next(keys, index, new Offset(1_000)));
    }

    [Theory]
    [InlineData(SegmentState.Open, CollectionStep.MarkDeleting)]
    [InlineData(SegmentState.Compacted, CollectionStep.MarkDeleting)]
    [InlineData(SegmentState.Deleting, CollectionStep.DropKey)]
    public void DeletedLog_GivesUpEveryKey(SegmentState state, CollectionStep expected) =>
        Assert.Equal(expected, TruncationPlanner.NextOfDeletedLog(state));

    [Theory]
    [InlineData(true, false, false, false)] // Young: left alone.
    [InlineData(false, true, false, false)] // Referenced by a manifest.
    [InlineData(false, false, true, false)] // Its job lives and may still publish.
    [InlineData(false, false, false, true)] // Dead and unreferenced.
    public void Orphan_IsWhatNobodyNamesNorEverCan(bool isYoung, bool isReferenced, bool isLive, bool isOrphan) // C4
    {
        var segment = new SegmentId(4);
        var candidate = new JobObject("x", segment, 77, isYoung ? 99 * Hour : 0);
        HashSet<(SegmentId, long)> referenced = isReferenced ? [(segment, 77)] : [(segment, 76)];
        Dictionary<SegmentId, long> jobs = new() { [segment] = isLive ? 77 : 78 };
        var orphans = OrphanPlanner.Plan([candidate], referenced, jobs, 100 * Hour, TimeSpan.FromHours(24));
        Assert.Equal(isOrphan, orphans.Count == 1);
    }

    [Fact]
    public void Orphan_OfASegmentWithoutAnyJob_Goes() =>
        Assert.Single(OrphanPlanner.Plan(
            [new JobObject("x", new SegmentId(4), 77, 0)], new HashSet<(SegmentId, long)>(), new Dictionary<SegmentId, long>(), 100 * Hour, TimeSpan.FromHours(24)));

    private static PlannedSegment[] Keys(int count)
    {
        var keys = new PlannedSegment[count];
        for (var i = 0; i < count; i++)
        {
            var id = new SegmentId((ulong)i);
            keys[i] = new PlannedSegment(
                id, id, SegmentState.Compacted, new Offset((ulong)i * 100), new Offset((ulong)(i + 1) * 100), 100, i * Hour, false, false);
        }

        return keys;
    }
}
