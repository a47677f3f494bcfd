using Woodpecker.Writing;

namespace Woodpecker.Core.Tests.Writing;

/// <summary>Which batches share a frame (INV-35).</summary>
public sealed class FramePlanTests
{
    [Fact]
    public void Frame_TakesWholeBatches_UntilItsTargetSize()
    {
        var plan = new FramePlan(targetSize: 100, maxSize: 200);
        Assert.True(plan.TryAdd(60, 1, isStamped: false));
        Assert.True(plan.TryAdd(60, 1, isStamped: false));
        Assert.False(plan.TryAdd(1, 1, isStamped: false));
        Assert.Equal(2, plan.EntryCount);
    }

    [Fact]
    public void FirstBatch_AlwaysFits_AndTheMaximumHoldsForTheRest()
    {
        var plan = new FramePlan(targetSize: 1_000, maxSize: 200);
        Assert.True(plan.TryAdd(190, 1, isStamped: false));
        Assert.False(plan.TryAdd(11, 1, isStamped: false));
        Assert.True(plan.TryAdd(10, 1, isStamped: false));
    }

    [Fact]
    public void EntriesAndProducers_AreBounded()
    {
        var entries = new FramePlan(int.MaxValue, int.MaxValue);
        for (var i = 0; i < 65; i++)
            Assert.True(entries.TryAdd(1, 1_000, isStamped: false));
        Assert.False(entries.TryAdd(1, 1_000, isStamped: false));
        var producers = new FramePlan(int.MaxValue, int.MaxValue);
        for (var i = 0; i < Limits.MaxFrameProducers; i++)
            Assert.True(producers.TryAdd(1, 1, isStamped: true));
        Assert.False(producers.TryAdd(1, 1, isStamped: true));
    }
}
