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

    [Fact]
    public void StoredSlots_AreConfirmedByTheirVerificationOnly() // B10, INV-24
    {
        var core = new SlotCore(3, SlotFence.EtcdVerify);
        for (var i = 0; i < 3; i++)
            core.Take(new EntryId(i));
        core.OnPut(1, SlotPutOutcome.Mine);
        Assert.Null(core.Unverified); // Slot 0 is not stored.
        Assert.True(core.OnPut(0, SlotPutOutcome.Mine));
        Assert.Equal(new SlotMark(1, new EntryId(1)), core.Unverified);
        Assert.True(core.ConfirmedEntry.IsNone);
        Assert.False(core.HasRoom); // What is not verified is in flight.

        core.OnPut(2, SlotPutOutcome.Mine);
        Assert.True(core.OnVerified(new SlotMark(1, new EntryId(1))));
        Assert.Equal((1UL, new EntryId(1)), (core.ConfirmedSlot!.Value, core.ConfirmedEntry));
        Assert.Equal(new SlotMark(2, new EntryId(2)), core.Unverified); // Came meanwhile: the next one covers it.
        Assert.True(core.OnVerified(new SlotMark(2, new EntryId(2))));
        Assert.Null(core.Unverified);
        Assert.Equal(0, core.InFlightCount);
    }

    [Fact]
    public void VerificationThatComesAfterAFailedSlot_ConfirmsNothing() // B4
    {
        var core = new SlotCore(2, SlotFence.EtcdVerify);
        core.Take(new EntryId(0));
        core.Take(new EntryId(1));
        core.OnPut(0, SlotPutOutcome.Mine);
        core.OnPut(1, SlotPutOutcome.Failed);
        Assert.Null(core.Unverified);
        Assert.False(core.OnVerified(new SlotMark(0, new EntryId(0))));
        Assert.True(core.ConfirmedEntry.IsNone);
    }

    [Fact]
    public void VerificationOfWhatIsNotStored_IsADefect() // INV-24
    {
        var core = new SlotCore(2, SlotFence.EtcdVerify);
        core.Take(new EntryId(0));
        Assert.Throws<InvariantViolationException>(() => core.OnVerified(new SlotMark(0, new EntryId(0))));
    }
}
