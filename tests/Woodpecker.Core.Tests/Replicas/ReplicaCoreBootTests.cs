using Woodpecker.Recovery;
using Woodpecker.Replicas;

namespace Woodpecker.Core.Tests.Replicas;

/// <summary>What a boot restores, what a seal promises, and how health is told.</summary>
public sealed class ReplicaCoreBootTests
{
    private static readonly ReplicaId _self = new("replica-1", Guid.Parse("11111111-1111-1111-1111-111111111111"), 2);
    private static readonly SegmentKey _key = new(new LogId(7), new SegmentId(3));
    private static readonly SegmentOpenFacts _open = new(_key, new LogEpoch(5), new Offset(100), 1_000, 2, 77);

    [Fact]
    public void RestoredCopy_HasItsSealLacAndFrames()
    {
        var core = Restored(frames: 4);
        core.RestoreState(_key, new CopyState(new EntryId(3), new EntryId(1), new EntryId(2), 1_003, false, false));
        var copy = core.Find(_key)!;
        Assert.Equal(new EntryId(2), copy.SealedEntry);
        Assert.Equal(new EntryId(2), copy.DurableEntry); // R7: the tail above the seal is gone
        Assert.Equal(new EntryId(1), copy.ConfirmedEntry);
        Assert.False(copy.IsDamaged);
    }

    [Fact]
    public void CopyShorterThanItsCheckpoint_IsDamaged() // R11
    {
        var core = Restored(frames: 2);
        core.RestoreState(_key, new CopyState(new EntryId(3), EntryId.None, null, 0, false, false));
        Assert.True(core.Find(_key)!.IsDamaged);
        Assert.Equal(MemberHealth.Damaged, core.MakeFenceReply(_key, 2, 0).Health);
    }

    [Fact]
    public void FrameBehindAGap_DamagesTheCopy_AndIsNotServed() // R11, INV-13
    {
        var core = Restored(frames: 2);
        Assert.False(core.RestoreFrame(Frame(3)));
        Assert.True(core.Find(_key)!.IsDamaged);
        Assert.Equal(new EntryId(1), core.Find(_key)!.DurableEntry);
    }

    [Theory]
    [InlineData(2u, 2u, MemberHealth.Clean)]
    [InlineData(1u, 2u, MemberHealth.Ambiguous)]
    [InlineData(2u, 1u, MemberHealth.Ambiguous)]
    public void Health_IsClean_OnlyIfHeaderAndRecovererNameThePresentGeneration(uint inHeader, uint inFence, MemberHealth expected)
    {
        var core = new ReplicaCore(_self);
        core.Restore(_open with { NamedGeneration = inHeader });
        Assert.Equal(expected, core.MakeFenceReply(_key, inFence, 0).Health);
    }

    [Fact]
    public void RaisedGeneration_StopsAppends_AndMakesTheCopyAmbiguous() // R10, INV-12
    {
        var core = Restored(frames: 1);
        core.RaiseGeneration(3);
        Assert.Equal(ReplicaRefusalKind.OldGeneration, core.OnAppend(Frame(1)).Refusal.Kind);
        Assert.Equal(MemberHealth.Ambiguous, core.MakeFenceReply(_key, 2, 0).Health);
        Assert.Throws<InvariantViolationException>(() => core.RaiseGeneration(2));
    }

    [Fact]
    public void SealOfAHigherEpoch_PromisesItFirst() // R2, R7
    {
        var core = Restored(frames: 2);
        core.Promises.Raise(_key.Log, new LogEpoch(5));
        var decision = core.OnSeal(_key, new LogEpoch(8), new EntryId(1), 1_002);
        Assert.True(decision.NeedsPromise);
        Assert.Equal(new LogEpoch(8), core.Promises[_key.Log]);
        Assert.True(core.OnSeal(_key, new LogEpoch(9), new EntryId(1), 1_002).NeedsPromise);
        Assert.Equal(ReplicaRefusalKind.Fenced, core.OnSeal(_key, new LogEpoch(7), new EntryId(1), 1_002).Refusal.Kind);
    }

    [Fact]
    public void SealFarAhead_AsksMetadataFirst() // R2
    {
        var core = Restored(frames: 1);
        var far = new LogEpoch(PromiseTable.MaxUnverifiedJump + 10);
        Assert.Equal(ReplicaDecisionKind.VerifyEpoch, core.OnSeal(_key, far, new EntryId(0), 1_001).Kind);
        Assert.Null(core.Find(_key)!.SealedEntry);
        Assert.Equal(ReplicaDecisionKind.Journal, core.OnSeal(_key, far, new EntryId(0), 1_001, verified: far).Kind);
    }

    [Fact]
    public void RefusedSeal_PromisesNothing()
    {
        var core = Restored(frames: 2);
        Assert.Equal(ReplicaRefusalKind.Diverged, core.OnSeal(_key, new LogEpoch(9), new EntryId(1), 5).Refusal.Kind);
        Assert.Equal(default, core.Promises[_key.Log]);
        Assert.Equal(MemberHealth.Damaged, core.MakeFenceReply(_key, 2, 0).Health); // R13: poisoned is not Clean
    }

    // Frame i holds entry i; the chain at entry i is 1001 + i.
    private static FrameFacts Frame(int entry) => new(
        _key, new LogEpoch(5), new EntryId(entry), 1, new Offset(100 + (ulong)entry), 1_000 + (ulong)entry, 1_001 + (ulong)entry, EntryId.None);

    private static ReplicaCore Restored(int frames)
    {
        var core = new ReplicaCore(_self);
        core.Restore(_open);
        for (var i = 0; i < frames; i++)
            Assert.True(core.RestoreFrame(Frame(i)));
        return core;
    }
}
