using CsCheck;
using Woodpecker.Quorum;
using Woodpecker.Recovery;

namespace Woodpecker.Core.Tests.Recovery;

/// <summary>The end of a fenced segment: T3 to T6.</summary>
public sealed class RecoveryCoreTests
{
    private static readonly ReplicaId[] _members = [Id(1), Id(2), Id(3)];

    private static ReplicaId Id(int node, uint generation = 0) =>
        new($"replica-{node}", new Guid(node, 0, 0, new byte[8]), generation);

    private static FenceReply Reply(
        int node, long durable, MemberHealth health = MemberHealth.Clean, long lac = -1, ulong? chain = null,
        bool hasHeader = true) =>
        new(Id(node), new EntryId(durable), chain ?? (ulong)durable, new EntryId(lac), hasHeader, health);

    private static RecoveryCore Core(params FenceReply[] replies)
    {
        var core = new RecoveryCore(QuorumSpec.Default, _members);
        foreach (var reply in replies)
            Assert.True(core.OnReply(Array.FindIndex(_members, m => m.NodeId == reply.Replica.NodeId), reply));
        return core;
    }

    private static RecoveryEnd End(RecoveryCore core, bool isGraceOver = true)
    {
        Assert.Equal(RecoveryStep.Decided, core.Decide(isGraceOver, out var end));
        return end;
    }

    [Fact]
    public void OneReply_DecidesNothing()
    {
        Assert.Equal(RecoveryStep.Wait, Core().Step);
        Assert.Equal(RecoveryStep.Wait, Core(Reply(1, 5)).Decide(isGraceOver: true, out _));
    }

    [Fact]
    public void TwoCleanReplies_DecideAfterTheGrace_ByTheMaximum()
    {
        var core = Core(Reply(1, 14), Reply(2, 11));
        Assert.Equal(RecoveryStep.WaitGrace, core.Decide(isGraceOver: false, out _));
        Assert.Equal(new RecoveryEnd(new EntryId(14), 14, IsAmbiguous: false), End(core));
    }

    [Fact]
    public void LostReply_NeverMovesTheEndBelowAnAckedEntry()
    {
        // woodpecker#320: tails [0, 0, -1] with one reply lost gave -1 by indexing a sorted partial list.
        Assert.Equal(new EntryId(0), End(Core(Reply(1, 0), Reply(3, -1))).LastEntry);
    }

    [Fact]
    public void OneCleanAndOneAmbiguous_AreNotEnough()
    {
        var core = Core(Reply(1, 5), Reply(2, 9, MemberHealth.Ambiguous));
        Assert.Equal(RecoveryStep.Wait, core.Decide(isGraceOver: true, out _));
        core.OnReply(2, Reply(3, 7));
        Assert.Equal(new EntryId(7), End(core).LastEntry); // case A: the maximum over the Clean ones
    }

    [Fact]
    public void AllReplies_Decide_EvenIfOnlyOneIsClean()
    {
        var core = Core(Reply(1, 5), Reply(2, 9, MemberHealth.Ambiguous), Reply(3, 7, MemberHealth.Damaged));
        Assert.Equal(new RecoveryEnd(new EntryId(9), 9, IsAmbiguous: true), End(core, isGraceOver: false)); // case B
    }

    [Fact]
    public void AnotherStoreAtTheNode_IsNoReply()
    {
        var core = Core(Reply(1, 5));
        Assert.False(core.OnReply(1, Reply(2, 5) with { Replica = Id(2) with { Incarnation = Guid.Empty } }));
        Assert.Equal(RecoveryStep.Wait, core.Step); // R1
    }

    [Fact]
    public void LacAboveTheEnd_IsInconsistent()
    {
        Assert.Equal(RecoveryStep.Inconsistent, Core(Reply(1, 5, lac: 6), Reply(2, 4)).Decide(true, out _)); // T5
    }

    [Fact]
    public void DifferentChainsAtTheEnd_AreInconsistent() =>
        Assert.Equal(RecoveryStep.Inconsistent, Core(Reply(1, 5, chain: 1), Reply(2, 5, chain: 2)).Decide(true, out _));

    [Fact]
    public void Copies_MakeQaMembersHoldEverything_TheSmallestFirst()
    {
        var core = Core(Reply(1, 14), Reply(2, 11), Reply(3, 13));
        var end = End(core);
        Assert.True(core.TryPlanCopies(end, out var copies));
        Assert.Equal([new RecoveryCopy(0, 2, new EntryId(14), new EntryId(14))], copies); // T6
    }

    [Fact]
    public void Copies_GoToAmbiguousMembersToo_ButNotToDamagedOnes()
    {
        var core = Core(Reply(1, 9), Reply(2, 3, MemberHealth.Ambiguous), Reply(3, 8, MemberHealth.Damaged));
        Assert.True(core.TryPlanCopies(End(core), out var copies));
        Assert.Equal(1, Assert.Single(copies).Target);
    }

    [Fact]
    public void EmptySegment_NeedsItsHeaderOnQaMembers_OnlyIfAnyoneHasIt()
    {
        var without = Core(Reply(1, -1, hasHeader: false), Reply(2, -1, hasHeader: false));
        Assert.True(without.TryPlanCopies(End(without), out var none));
        Assert.Empty(none);
        var with = Core(Reply(1, -1), Reply(2, -1, hasHeader: false));
        Assert.True(with.TryPlanCopies(End(with), out var copies));
        Assert.Equal(new RecoveryCopy(0, 1, new EntryId(0), EntryId.None), Assert.Single(copies)); // INV-17
    }

    [Fact]
    public void ForgottenSource_TakesTheDecisionBack()
    {
        var core = Core(Reply(1, 14), Reply(2, 11));
        core.Forget(0);
        Assert.Equal(RecoveryStep.Wait, core.Step);
        core.OnReply(2, Reply(3, 11));
        Assert.Equal(new EntryId(11), End(core).LastEntry);
    }

    // Every state of three members whose writer got two acks for a prefix, at most one of them having lost its newest
    // part.
    [Fact]
    public void AckedEntries_SurviveEveryDecision() => Gen.Select(
        Gen.Long[-1, 6].Array[3], Gen.Int[-1, 2], Gen.Int[1, 3], Gen.Int[0, 7]).Sample(
        (held, ambiguous, lost, replies) =>
    {
        var acked = held.Order().ElementAt(1);
        var core = new RecoveryCore(QuorumSpec.Default, _members);
        for (var member = 0; member < 3; member++)
        {
            if ((replies & (1 << member)) == 0)
                continue;
            var isAmbiguous = member == ambiguous;
            var durable = isAmbiguous ? Math.Max(-1, held[member] - lost) : held[member];
            core.OnReply(member, Reply(member + 1, durable, isAmbiguous ? MemberHealth.Ambiguous : MemberHealth.Clean));
        }

        if (core.Decide(isGraceOver: true, out var end) == RecoveryStep.Decided)
            Assert.True(end.LastEntry.Value >= acked, $"{end} drops acked entry {acked}"); // INV-16, 11.2
    }, iter: 20_000);

    [Fact] // 11.6
    public void Force_TakesTheMaximumOverWhateverIsLeft_OfAnyHealth()
    {
        var core = Core(Reply(1, 5), Reply(2, 9, MemberHealth.Ambiguous, lac: 11));
        Assert.True(core.TryForce(out var end, out var highest));
        Assert.Equal(new RecoveryEnd(new EntryId(9), 9, IsAmbiguous: true), end);
        Assert.Equal(new EntryId(11), highest); // confirmed once, so its offset is never used again
    }

    [Fact]
    public void Force_WithoutAnyReply_KeepsNothing()
    {
        Assert.True(Core().TryForce(out var end, out var highest));
        Assert.Equal((EntryId.None, EntryId.None), (end.LastEntry, highest));
    }

    [Fact] // INV-2
    public void Force_ChoosesNothing_WhenCopiesContradictEachOtherAtTheEnd() =>
        Assert.False(Core(Reply(1, 5, chain: 1), Reply(2, 5, MemberHealth.Ambiguous, chain: 2)).TryForce(out _, out _));
}
