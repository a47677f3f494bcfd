using CsCheck;
using Woodpecker.Compaction;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Compaction;

public sealed class CompactionPlannerTests
{
    private const long MiB = 1024 * 1024;
    private static readonly CompactionPolicy Policy = new() { TargetBytes = 512 * MiB };

    [Fact]
    public void SmallKeys_AreMerged_ButNeverTheNewest()
    {
        var plan = Assert.Single(CompactionPlanner.Plan(Keys(10, 10, 10, 10, 10), Policy));
        Assert.Equal((0, 4), (plan.FirstIndex, plan.Count));
    }

    [Fact]
    public void FewKeys_WaitForMore()
    {
        Assert.Empty(CompactionPlanner.Plan(Keys(10, 10, 10, 10), Policy));
        Assert.Single(CompactionPlanner.Plan(Keys(150, 150, 10), Policy)); // Half the target is enough.
    }

    [Fact]
    public void NewestKeyWithEntries_KeepsItsHeader_WhenOnlyEmptyOnesFollow()
    {
        var keys = Keys(10, 10, 10, 10, 10, 0, 0);
        var plan = Assert.Single(CompactionPlanner.Plan(keys, Policy));
        Assert.Equal(4, plan.Count);
    }

    [Fact]
    public void ALargeKey_IsNotRewrittenForSmallOnes()
    {
        Assert.Empty(CompactionPlanner.Plan(Keys(400, 2, 2, 2, 2).Concat(Keys(9)).ToArray(), Policy with { MinKeys = 5 }));
        var keys = Join([.. Keys(400, 2, 2, 2, 2, 9)]);
        var plan = Assert.Single(CompactionPlanner.Plan(keys, Policy));
        Assert.Equal((1, 4), (plan.FirstIndex, plan.Count));
    }

    [Fact]
    public void ADeclaredLoss_IsNeverCrossed()
    {
        var keys = Keys(10, 10, 10, 10, 10, 10, 10);
        keys[2] = keys[2] with { HasLoss = true };
        var plan = Assert.Single(CompactionPlanner.Plan(keys, Policy with { MinKeys = 3 }), static p => p.FirstIndex == 0);
        Assert.Equal(3, plan.Count);
        Assert.All(CompactionPlanner.Plan(keys, Policy with { MinKeys = 2 }), static p => Assert.False(p.FirstIndex < 3 && p.FirstIndex + p.Count > 3));
    }

    [Theory]
    [InlineData(SegmentState.Sealed)]
    [InlineData(SegmentState.Open)]
    [InlineData(SegmentState.Recovering)]
    [InlineData(SegmentState.Truncated)]
    [InlineData(SegmentState.Deleting)]
    public void OnlyCompactedKeys_AreMerged(SegmentState state) // INV-26
    {
        var keys = Keys(10, 10, 10, 10, 10, 10, 10, 10, 10, 10);
        keys[4] = keys[4] with { State = state };
        Assert.All(CompactionPlanner.Plan(keys, Policy), static p => Assert.False(p.FirstIndex <= 4 && p.FirstIndex + p.Count > 4));
    }

    [Fact]
    public void Plans_AreLegal_WhateverTheLog() =>
        Gen.Select(Gen.Long[0, 700 * MiB].Array[0, 150], Gen.Int[2, 8], Gen.Int[0, 5]).Sample((sizes, minKeys, states) =>
        {
            var keys = Keys([.. sizes.Select(static s => s / MiB)]);
            for (var i = 0; i < keys.Length; i++)
            {
                if (states > 0 && i % (states + 6) == 5)
                    keys[i] = keys[i] with { State = SegmentState.Truncated };
            }

            var policy = Policy with { MinKeys = minKeys };
            var next = 0;
            foreach (var plan in CompactionPlanner.Plan(keys, policy))
            {
                Assert.True(plan.FirstIndex >= next);
                next = plan.FirstIndex + plan.Count;
                Assert.True(next < keys.Length);
                Assert.InRange(plan.Count, 2, Limits.MaxTransactionSegments);
                var run = keys[plan.FirstIndex..next];
                Assert.All(run, static key => Assert.Equal(SegmentState.Compacted, key.State));
                Assert.Equal(run.Sum(static key => key.StoredBytes), plan.StoredBytes);
                Assert.True(plan.StoredBytes <= policy.TargetBytes);
                Assert.Contains(keys[next..], static key => key.EntryCount > 0 || key.State != SegmentState.Compacted);
            }
        });

    [Fact]
    public void RepeatedMerging_RewritesAByteOnlyAFewTimes()
    {
        // A log of 2,000 small keys, merged as they come: amplification stays logarithmic.
        List<PlannedSegment> keys = [];
        long written = 0, rewritten = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var size = 256 * 1024L;
            written += size;
            var from = keys.Count == 0 ? new Offset(0) : keys[^1].End!.Value;
            keys.Add(Key(new SegmentId((ulong)i), from, size));
            foreach (var plan in CompactionPlanner.Plan(keys, Policy).AsEnumerable().Reverse())
            {
                var run = keys.GetRange(plan.FirstIndex, plan.Count);
                rewritten += plan.StoredBytes;
                keys.RemoveRange(plan.FirstIndex, plan.Count);
                keys.Insert(plan.FirstIndex, run[0] with { Last = run[^1].Last, End = run[^1].End, StoredBytes = plan.StoredBytes });
            }
        }

        Assert.True(keys.Count < 60, $"{keys.Count} keys are left");
        Assert.True(rewritten < 8 * written, $"every byte was rewritten {(double)rewritten / written:F1} times");
    }

    private static PlannedSegment[] Keys(params long[] sizesInMiB) =>
        Join([.. sizesInMiB.Select(static size => Key(default, default, size * MiB))]);

    private static PlannedSegment[] Join(PlannedSegment[] keys)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            var from = i == 0 ? new Offset(0) : keys[i - 1].End!.Value;
            var count = keys[i].StoredBytes == 0 ? 0 : 100;
            keys[i] = keys[i] with { First = new SegmentId((ulong)i), Last = new SegmentId((ulong)i), BaseOffset = from, End = from + count };
        }

        return keys;
    }

    private static PlannedSegment Key(SegmentId id, Offset from, long size) =>
        new(id, id, SegmentState.Compacted, from, from + (size == 0 ? 0 : 100), size, 0, false, false);
}
