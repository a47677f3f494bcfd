using CsCheck;
using Woodpecker.Writing;

namespace Woodpecker.Core.Tests.Writing;

/// <summary>Order of slots: B2, B3, B8.</summary>
public sealed class SlotCoreTests
{
    [Fact]
    public void Slots_AreConfirmedInOrder_WhateverTheOrderOfPuts() =>
        Gen.Shuffle(Enumerable.Range(0, 8).ToArray()).Sample(order =>
    {
        var core = new SlotCore(8);
        for (var i = 0; i < 8; i++)
            Assert.Equal((ulong)i, core.Take(new EntryId((10 * i) + 9)));
        Assert.False(core.HasRoom);
        var stored = new HashSet<int>();
        foreach (var slot in order)
        {
            stored.Add(slot);
            core.OnPut((ulong)slot, SlotPutOutcome.Mine);
            var prefix = Enumerable.Range(0, 9).First(i => !stored.Contains(i));
            Assert.Equal((10 * prefix) - 1, core.ConfirmedEntry.Value); // INV-24
            Assert.Equal(prefix == 0 ? null : (ulong?)(prefix - 1), core.ConfirmedSlot);
        }
    });

    [Theory]
    [InlineData(SlotPutOutcome.Foreign, true)]
    [InlineData(SlotPutOutcome.Failed, false)]
    public void NothingIsConfirmed_AfterAForeignOrFailedSlot(SlotPutOutcome outcome, bool isFenced)
    {
        var core = new SlotCore(4);
        core.Take(new EntryId(0));
        core.Take(new EntryId(1));
        core.OnPut(1, outcome);
        Assert.False(core.OnPut(0, SlotPutOutcome.Mine));
        Assert.True(core.IsDead);
        Assert.Equal(isFenced, core.IsFenced);
        Assert.True(core.ConfirmedEntry.IsNone); // B3, B4
        Assert.False(core.HasRoom);
    }
}
