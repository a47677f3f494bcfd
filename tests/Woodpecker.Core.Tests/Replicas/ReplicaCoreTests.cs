using Woodpecker.Recovery;
using Woodpecker.Replicas;

namespace Woodpecker.Core.Tests.Replicas;

public sealed class ReplicaCoreTests
{
    private static readonly ReplicaId _self = new("replica-1", Guid.Parse("11111111-1111-1111-1111-111111111111"), 2);
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(3));

    [Fact]
    public void Append_IsRefused_WhenEpochIsOlderThanPromise()
    {
        var core = Opened(epoch: 5);
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnFence(_key, new LogEpoch(6)).Kind);
        var decision = core.OnAppend(Frame(5, 0, 1));
        Assert.Equal(ReplicaRefusalKind.Fenced, decision.Refusal.Kind); // R2, INV-12
        Assert.Equal(new LogEpoch(6), decision.Refusal.Promised);
    }

    [Fact]
    public void Fence_BindsAtOnce_ForALogNeverSeen()
    {
        var core = new ReplicaCore(_self);
        Assert.True(core.OnFence(_key, new LogEpoch(9)).NeedsPromise);
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnSegmentOpen(Open(8)).Refusal.Kind); // R5
        var reply = core.MakeFenceReply(_key, namedGeneration: 2, startChain: 77);
        Assert.False(reply.HasHeader);
        Assert.Equal(77UL, reply.Chain);
        Assert.Equal(MemberHealth.Clean, reply.Health);
    }

    [Fact]
    public void Fence_OfTheSameEpoch_IsIdempotent_OfASmallerOneRefused()
    {
        var core = Opened(5);
        core.OnFence(_key, new LogEpoch(6));
        Assert.Equal(ReplicaDecisionKind.Duplicate, core.OnFence(_key, new LogEpoch(6)).Kind);
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnFence(_key, new LogEpoch(5)).Refusal.Kind);
    }

    [Fact]
    public void FenceReply_CountsOnlyDurableEntries()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        core.OnAppend(Frame(5, 2, 3));
        core.OnDurable(_key, new EntryId(1));
        var reply = core.MakeFenceReply(_key, 2, 0);
        Assert.Equal(new EntryId(1), reply.DurableEntry);
        Assert.Equal(Chain(2), reply.Chain);
    }

    [Fact]
    public void HigherEpoch_ImpliesThePromise()
    {
        var core = Opened(5);
        var next = Open(6) with { Key = new SegmentKey(_key.Log, new SegmentId(4)) };
        var decision = core.OnSegmentOpen(next);
        Assert.Equal(ReplicaDecisionKind.Journal, decision.Kind);
        Assert.True(decision.NeedsPromise); // R2
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnAppend(Frame(5, 0, 1)).Refusal.Kind);
    }

    [Theory]
    [InlineData(5UL + (1UL << 20), false)]
    [InlineData(6UL + (1UL << 20), true)]
    [InlineData(1UL << 63, true)]
    public void LargeJump_IsVerifiedAgainstMetadataFirst(ulong epoch, bool mustVerify)
    {
        var core = Opened(5);
        var decision = core.OnFence(_key, new LogEpoch(epoch));
        Assert.Equal(mustVerify ? ReplicaDecisionKind.VerifyEpoch : ReplicaDecisionKind.Journal, decision.Kind);
        if (mustVerify)
        {
            Assert.Equal(new LogEpoch(5), core.Promises[_key.Log]);
            Assert.Equal(ReplicaDecisionKind.Journal, core.OnFence(_key, new LogEpoch(epoch), verified: new LogEpoch(epoch)).Kind);
        }
    }

    [Fact]
    public void Append_WithoutHeader_AsksForIt()
    {
        var decision = new ReplicaCore(_self).OnAppend(Frame(5, 0, 1));
        Assert.True(decision.Refusal.IsHeaderMissing);
        Assert.Equal(ReplicaRefusalKind.Gap, decision.Refusal.Kind);
    }

    [Fact]
    public void Append_BeyondTheEnd_NamesTheExpectedEntry()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        var decision = core.OnAppend(Frame(5, 3, 1));
        Assert.Equal(ReplicaRefusalKind.Gap, decision.Refusal.Kind);
        Assert.Equal(new EntryId(2), decision.Refusal.Expected); // INV-13
    }

    [Fact]
    public void Append_Repeated_IsADuplicate_Different_Poisons()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        core.OnAppend(Frame(5, 2, 2));
        Assert.Equal(ReplicaDecisionKind.Duplicate, core.OnAppend(Frame(5, 0, 2)).Kind);
        var other = Frame(5, 2, 2) with { ChainAfter = 999 };
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnAppend(other).Refusal.Kind); // INV-2
        Assert.True(core.Find(_key)!.IsPoisoned);
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnAppend(Frame(5, 4, 1)).Refusal.Kind); // R13
    }

    [Fact]
    public void Append_OfABrokenChain_Diverges()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        var decision = core.OnAppend(Frame(5, 2, 1) with { ChainBefore = 1234 });
        Assert.Equal(ReplicaRefusalKind.Diverged, decision.Refusal.Kind);
    }

    [Fact]
    public void Append_UnderAnotherWritingEpoch_Diverges()
    {
        var core = Opened(5);
        core.OnFence(_key, new LogEpoch(6));
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnAppend(Frame(6, 0, 1)).Refusal.Kind); // R3
    }

    [Fact]
    public void RefusedAppend_RaisesNoPromise_ThatAFenceWouldTakeForDurable()
    {
        var core = Opened(5);
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnAppend(Frame(6, 0, 1)).Refusal.Kind);
        Assert.Equal(new LogEpoch(5), core.Promises[_key.Log]);
        var fence = core.OnFence(_key, new LogEpoch(6));
        Assert.Equal(ReplicaDecisionKind.Journal, fence.Kind);
        Assert.True(fence.NeedsPromise); // R5
    }

    [Fact]
    public void OtherGeneration_SitsOut_ButServesRecovery()
    {
        var core = new ReplicaCore(_self);
        Assert.Equal(ReplicaRefusalKind.OldGeneration, core.OnSegmentOpen(Open(5) with { NamedGeneration = 1 }).Refusal.Kind);
        core.Restore(Open(5) with { NamedGeneration = 1 });
        core.RestoreFrame(Frame(5, 0, 2));
        Assert.Equal(ReplicaRefusalKind.OldGeneration, core.OnAppend(Frame(5, 2, 1)).Refusal.Kind); // R10
        core.OnFence(_key, new LogEpoch(6));
        Assert.Equal(MemberHealth.Ambiguous, core.MakeFenceReply(_key, 1, 0).Health); // R11
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnRecoveryAppend(new LogEpoch(6), Frame(5, 2, 1)).Kind);
    }

    [Fact]
    public void RecoveryAppend_NeedsThePromisedEpochExactly()
    {
        var core = Opened(5);
        core.OnFence(_key, new LogEpoch(7));
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnRecoveryAppend(new LogEpoch(6), Frame(5, 0, 1)).Refusal.Kind);
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnRecoveryAppend(new LogEpoch(8), Frame(5, 0, 1)).Refusal.Kind); // R6
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnRecoveryAppend(new LogEpoch(7), Frame(5, 0, 1)).Kind);
        Assert.Equal(new LogEpoch(7), core.Promises[_key.Log]);
    }

    [Fact]
    public void RecoveryHeader_MakesTheCopyKnown()
    {
        var core = new ReplicaCore(_self);
        core.OnFence(_key, new LogEpoch(7));
        Assert.True(core.OnRecoveryAppend(new LogEpoch(7), Frame(5, 0, 1)).Refusal.IsHeaderMissing);
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnRecoveryHeader(new LogEpoch(7), Open(5) with { NamedGeneration = 0 }).Kind);
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnRecoveryAppend(new LogEpoch(7), Frame(5, 0, 1)).Kind);
    }

    [Fact]
    public void Seal_CutsTheTail_AndIsFinal()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        core.OnAppend(Frame(5, 2, 2));
        core.OnDurable(_key, new EntryId(3));
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnSeal(_key, new LogEpoch(5), new EntryId(1), Chain(2)).Kind);
        var copy = core.Find(_key)!;
        Assert.Equal(new EntryId(1), copy.DurableEntry); // R7, INV-10
        Assert.Equal(new EntryId(1), copy.VisibleEntry);
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnAppend(Frame(5, 2, 2)).Refusal.Kind);
        Assert.Equal(ReplicaDecisionKind.Duplicate, core.OnSeal(_key, new LogEpoch(5), new EntryId(1), Chain(2)).Kind);
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnSeal(_key, new LogEpoch(5), new EntryId(0), Chain(1)).Refusal.Kind);
    }

    [Fact]
    public void Seal_AboveWhatIsHeld_MarksTheCopyShort()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        core.OnDurable(_key, new EntryId(1));
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnSeal(_key, null, new EntryId(8), 1).Kind);
        Assert.True(core.Find(_key)!.IsShort);
        Assert.Equal(new EntryId(1), core.Find(_key)!.VisibleEntry);
    }

    [Fact]
    public void Seal_WithAnotherChain_Poisons()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnSeal(_key, null, new EntryId(1), 1).Refusal.Kind);
    }

    [Fact]
    public void Readers_SeeNothingPastLacOrDurableEnd()
    {
        var core = Opened(5);
        core.OnAppend(Frame(5, 0, 2));
        core.OnAppend(Frame(5, 2, 2));
        Assert.Equal(EntryId.None, core.Find(_key)!.VisibleEntry);
        Assert.True(core.OnConfirmed(_key, new LogEpoch(5), new EntryId(3)));
        Assert.Equal(EntryId.None, core.Find(_key)!.VisibleEntry); // not durable here yet
        core.OnDurable(_key, new EntryId(1));
        Assert.Equal(new EntryId(1), core.Find(_key)!.VisibleEntry); // R8, V1
        Assert.False(core.OnConfirmed(_key, new LogEpoch(5), new EntryId(2)));
        Assert.False(core.OnConfirmed(_key, new LogEpoch(4), new EntryId(9)));
    }

    [Fact]
    public void Boot_AGapMarksTheCopyDamaged_AndKeepsTheVerifiedPrefix()
    {
        var core = new ReplicaCore(_self);
        core.Restore(Open(5));
        Assert.True(core.RestoreFrame(Frame(5, 0, 2)));
        Assert.False(core.RestoreFrame(Frame(5, 3, 1)));
        var reply = core.MakeFenceReply(_key, 2, 0);
        Assert.Equal(MemberHealth.Damaged, reply.Health);
        Assert.Equal(new EntryId(1), reply.DurableEntry); // R11
    }

    [Fact]
    public void Drop_ForgetsTheCopy_ButNotThePromise()
    {
        var core = Opened(5);
        Assert.True(core.Drop(_key));
        Assert.False(core.Drop(_key));
        Assert.Equal(new LogEpoch(5), core.Promises[_key.Log]); // INV-11
        Assert.True(core.OnAppend(Frame(5, 0, 1)).Refusal.IsHeaderMissing);
    }

    [Fact]
    public void SegmentOpen_Repeated_IsADuplicate_Contradicting_Diverges()
    {
        var core = Opened(5);
        Assert.Equal(ReplicaDecisionKind.Duplicate, core.OnSegmentOpen(Open(5)).Kind);
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnSegmentOpen(Open(5) with { HeaderChecksum = 1 }).Refusal.Kind);
    }

    private static ReplicaCore Opened(ulong epoch)
    {
        var core = new ReplicaCore(_self);
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnSegmentOpen(Open(epoch)).Kind);
        return core;
    }

    private static SegmentOpenFacts Open(ulong epoch) => new(_key, new LogEpoch(epoch), new Offset(100), Chain(0), 2, 42);

    // A chain that depends on the entry only: what two honest frames at one place share.
    private static ulong Chain(long entriesBefore) => 1000 + (ulong)entriesBefore;

    private static FrameFacts Frame(ulong epoch, long first, int count) => new(
        _key,
        new LogEpoch(epoch),
        new EntryId(first),
        count,
        new Offset(100 + (ulong)first),
        Chain(first),
        Chain(first + count),
        EntryId.None);
}
