using Woodpecker.Recovery;

namespace Woodpecker.Core.Tests.Recovery;

/// <summary>One fence ends a MemoryBuffer segment: B6.</summary>
public sealed class SlotFenceCoreTests
{
    [Fact]
    public void Fence_GoesBehindEverySlotThatExists_WhateverTheListingSaid()
    {
        var core = new SlotFenceCore(listedCount: 2);
        core.OnContent(SlotContent.Data);
        core.OnContent(SlotContent.Data);
        Assert.Equal(4ul, core.Candidate);
        core.OnContent(SlotContent.FenceCreated);
        Assert.Equal(SlotFenceStep.Fenced, core.Step);
        Assert.Equal(3ul, core.LastSlot);
    }

    [Fact]
    public void FenceOfAnyone_Counts()
    {
        var core = new SlotFenceCore(0);
        core.OnContent(SlotContent.Fence);
        Assert.Equal(SlotFenceStep.Fenced, core.Step);
        Assert.Null(core.LastSlot);
    }

    [Fact]
    public void ForeignBytes_DecideNothing()
    {
        var core = new SlotFenceCore(0);
        core.OnContent(SlotContent.Foreign);
        Assert.Equal(SlotFenceStep.Blocked, core.Step);
        Assert.Throws<InvariantViolationException>(() => core.OnContent(SlotContent.Data));
    }
}
