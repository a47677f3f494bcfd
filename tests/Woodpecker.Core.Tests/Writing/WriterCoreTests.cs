using CsCheck;
using Woodpecker.Writing;

namespace Woodpecker.Core.Tests.Writing;

/// <summary>Assignment, confirmation, rolls and death against a naive model.</summary>
public sealed class WriterCoreTests
{
    private static WriterCore<int> Open(ulong next = 0)
    {
        var core = new WriterCore<int>(new LogEpoch(7), new Offset(next), new AppendFold(), requiresToken: false);
        core.OpenSegment(new SegmentId(3), new Offset(next));
        return core;
    }

    [Fact]
    public void Offsets_AreDense_AndAcksComeInOrder_WhateverTheFramesAndRolls() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[1, 5]).Array[1, 80].Sample(steps =>
        {
            var core = Open();
            var assigned = new List<(ulong First, int Count)>();
            var acked = 0;
            ulong confirmed = 0;
            ulong segment = 3;
            ulong segmentBase = 0;
            foreach (var (action, amount) in steps)
            {
                switch (action)
                {
                    case 0 or 1:
                        var decision = core.Admit(new BatchFacts(amount), assigned.Count);
                        Assert.Equal(AppendDecisionKind.Accepted, decision.Kind);
                        assigned.Add((decision.FirstOffset.Value, amount));
                        break;
                    case 2:
                        core.TakeFrame();
                        break;
                    case 3:
                        var end = confirmed + Math.Min((ulong)amount, core.FramedEnd.Value - confirmed);
                        core.Confirm(new EntryId((long)(end - segmentBase) - 1));
                        confirmed = end;
                        acked = Drain(core, assigned, acked, confirmed);
                        break;
                    default:
                        core.TakeFrame();
                        Assert.Equal((long)(confirmed - segmentBase) - 1, core.Freeze().Value); // INV-16
                        Assert.False(core.Confirm(new EntryId(1_000))); // W10
                        core.OpenSegment(new SegmentId(++segment), new Offset(confirmed));
                        segmentBase = confirmed;
                        break;
                }
            }

            var expected = 0ul;
            foreach (var (first, count) in assigned)
            {
                Assert.Equal(expected, first); // W1
                expected += (ulong)count;
            }
        });

    [Fact]
    public void Frame_CoversWhatWasAssignedSinceTheLast()
    {
        var core = Open(next: 10);
        core.Admit(new BatchFacts(2), 0);
        core.Admit(new BatchFacts(3), 1);
        Assert.Equal(new FrameRange(new EntryId(0), new Offset(10), 5), core.TakeFrame());
        Assert.Equal(0, core.TakeFrame().Count);
        core.Admit(new BatchFacts(1), 2);
        Assert.Equal(new FrameRange(new EntryId(5), new Offset(15), 1), core.TakeFrame());
    }

    [Fact]
    public void ReappendedEntries_KeepTheirOffsets_InTheNextSegment()
    {
        var core = Open();
        for (var i = 0; i < 4; i++)
            core.Admit(new BatchFacts(1), i);
        core.TakeFrame();
        core.Confirm(new EntryId(1));
        Drain(core);
        Assert.Equal(new EntryId(1), core.Freeze());
        core.OpenSegment(new SegmentId(4), new Offset(2));
        Assert.Equal(new EntryId(1), core.AssignedEntry);
        core.Confirm(new EntryId(1));
        Assert.True(core.TryTakeCompleted(out var batch));
        Assert.Equal(new Offset(2), batch.FirstOffset); // INV-34
        Assert.Equal(2, batch.Ticket);
    }

    [Fact]
    public void NextSegment_MustBeginWhereTheSealedOneEnds()
    {
        var core = Open();
        core.Admit(new BatchFacts(3), 0);
        core.TakeFrame();
        core.Freeze();
        Assert.Throws<InvariantViolationException>(() => core.OpenSegment(new SegmentId(4), new Offset(3))); // INV-33
    }

    [Fact]
    public void DeadCore_CompletesNothing()
    {
        var core = Open();
        core.Admit(new BatchFacts(1), 0);
        core.TakeFrame();
        core.Confirm(new EntryId(0));
        core.Die();
        Assert.False(core.TryTakeCompleted(out _)); // W5, INV-19
        Assert.False(core.Confirm(new EntryId(0)));
        Assert.True(core.TryTakeFailed(out var batch));
        Assert.Equal(0, batch.Ticket);
        Assert.False(core.TryTakeFailed(out _));
    }

    [Fact]
    public void Confirmation_BeyondWhatWasSent_IsADefect()
    {
        var core = Open();
        core.Admit(new BatchFacts(1), 0);
        Assert.Throws<InvariantViolationException>(() => core.Confirm(new EntryId(0))); // INV-9
    }

    [Fact]
    public void StateForTheNextHeader_HoldsConfirmedBatchesOnly()
    {
        var core = Open();
        var stamp = new ProducerStamp(Guid.Parse("aaaaaaaa-0000-0000-0000-000000000005"), 1, 0);
        core.Admit(new BatchFacts(2, stamp, SetFencingToken: "t"), 0);
        core.Admit(new BatchFacts(1, stamp with { Sequence = 2 }), 1);
        core.TakeFrame();
        Assert.Empty(core.ConfirmedState.Producers.Snapshot(Offset.Zero));
        core.Confirm(new EntryId(1));
        Drain(core);
        var state = Assert.Single(core.ConfirmedState.Producers.Snapshot(Offset.Zero));
        Assert.Equal(1ul, state.LastSequence); // INV-37: the third entry is in flight
        Assert.Equal("t", core.ConfirmedState.FencingToken);
    }

    [Fact]
    public void PendingDuplicate_WaitsBehindItsOriginal_AndCountsOnce()
    {
        var core = Open();
        var stamp = new ProducerStamp(Guid.Parse("aaaaaaaa-0000-0000-0000-000000000006"), 1, 0);
        core.Admit(new BatchFacts(1, stamp), 0);
        Assert.True(core.Admit(new BatchFacts(1, stamp), 1).IsPending);
        Assert.Equal(1, core.TakeFrame().Count);
        core.Confirm(new EntryId(0));
        Assert.True(core.TryTakeCompleted(out var original) && core.TryTakeCompleted(out var duplicate)
            && original.FirstOffset == duplicate.FirstOffset);
        Assert.Single(core.ConfirmedState.Producers.Snapshot(Offset.Zero));
    }

    private static void Drain(WriterCore<int> core)
    {
        while (core.TryTakeCompleted(out _))
        {
        }
    }

    private static int Drain(WriterCore<int> core, List<(ulong First, int Count)> assigned, int acked, ulong confirmed)
    {
        while (core.TryTakeCompleted(out var batch))
        {
            Assert.Equal(acked, batch.Ticket); // INV-5
            Assert.Equal(assigned[acked].First, batch.FirstOffset.Value);
            Assert.True(batch.End.Value <= confirmed);
            acked++;
        }

        return acked;
    }
}
