using CsCheck;
using Woodpecker.Quorum;

namespace Woodpecker.Core.Tests.Quorum;

/// <summary>Quorum sizes, LAC and the choice of ensembles.</summary>
public sealed class QuorumTests
{
    private static ReplicaId Id(int node, uint generation = 0) =>
        new($"replica-{node}", new Guid(node, 0, 0, new byte[8]), generation);

    private static EnsembleCandidate Candidate(int node, string zone = "", long backlog = 0, bool isReachable = true) =>
        new(Id(node), zone, backlog, isReachable);

    [Theory]
    [InlineData(3, 2, 2)]
    [InlineData(5, 3, 3)]
    [InlineData(1, 1, 1)]
    public void FenceQuorum_MeetsEveryAckQuorum(int members, int ackQuorum, int fenceQuorum) =>
        Assert.Equal(fenceQuorum, new QuorumSpec(members, ackQuorum).FenceQuorum);

    [Theory]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(3, 4)]
    [InlineData(0, 0)]
    public void Sizes_ThatDoNotIntersect_AreRefused(int members, int ackQuorum) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new QuorumSpec(members, ackQuorum));

    [Fact]
    public void Lac_IsTheQathHighest_AndNeverGoesBack() =>
        Gen.Select(Gen.Int[0, 2], Gen.Long[-1, 50]).Array[0, 40].Sample(acks =>
        {
            var tracker = new AckTracker(QuorumSpec.Default, [Id(1), Id(2), Id(3)]);
            var model = new long[] { -1, -1, -1 };
            long lac = -1;
            foreach (var (member, entry) in acks)
            {
                model[member] = Math.Max(model[member], entry);
                lac = Math.Max(lac, model.Order().ElementAt(1));
                var before = tracker.ConfirmedEntry;
                Assert.Equal(
                    tracker.ConfirmedEntry.Value < lac, tracker.OnAck(member, Id(member + 1), new EntryId(entry)));
                Assert.Equal(lac, tracker.ConfirmedEntry.Value); // W4, INV-9
                Assert.True(tracker.ConfirmedEntry >= before);
            }
        });

    [Fact]
    public void Ack_OfAnotherStoreOrGeneration_CountsNothing()
    {
        var tracker = new AckTracker(QuorumSpec.Default, [Id(1), Id(2), Id(3)]);
        Assert.False(tracker.OnAck(0, Id(1), new EntryId(5)));
        Assert.False(tracker.OnAck(1, Id(2, generation: 1), new EntryId(5)));
        Assert.False(tracker.OnAck(1, Id(2) with { Incarnation = Guid.Empty }, new EntryId(5)));
        Assert.True(tracker.ConfirmedEntry.IsNone); // INV-20, R14
        Assert.True(tracker.OnAck(1, Id(2), new EntryId(3)));
        Assert.Equal(new EntryId(3), tracker.ConfirmedEntry);
    }

    [Fact]
    public void SameNodeTwice_IsNoEnsemble() =>
        Assert.Throws<InvariantViolationException>(() => new AckTracker(QuorumSpec.Default, [Id(1), Id(1), Id(2)]));

    [Fact]
    public void Ensemble_PrefersReachableNodesThenZonesThenBacklog()
    {
        EnsembleCandidate[] candidates =
        [
            Candidate(1, "a", 10), Candidate(2, "a", 5), Candidate(3, "b", 100),
            Candidate(4, "c", 1, isReachable: false), Candidate(5, "b", 50),
        ];
        Assert.True(EnsembleSelector.TryChoose(QuorumSpec.Default, candidates, 0, out var members));
        Assert.Equal(["replica-1", "replica-2", "replica-5"], members.Select(static m => m.NodeId).Order());
    }

    [Fact]
    public void ThreeNodesWithOneDown_StillMakeAnEnsemble()
    {
        EnsembleCandidate[] candidates = [Candidate(1), Candidate(2, isReachable: false), Candidate(3)];
        Assert.True(EnsembleSelector.TryChoose(QuorumSpec.Default, candidates, 7, out var members)); // W11
        Assert.Equal(3, members.Length);
        Assert.NotEqual("replica-2", members[0].NodeId); // upload duty
    }

    [Fact]
    public void TooFewNodesOrTooFewReachable_MakeNone()
    {
        Assert.False(EnsembleSelector.TryChoose(QuorumSpec.Default, [Candidate(1), Candidate(2)], 0, out _));
        EnsembleCandidate[] two = [Candidate(1), Candidate(2, isReachable: false), Candidate(3, isReachable: false)];
        Assert.False(EnsembleSelector.TryChoose(QuorumSpec.Default, two, 0, out _));
    }

    [Fact]
    public void UploadDuty_Rotates_AndOrderOfInputDoesNotMatter()
    {
        EnsembleCandidate[] candidates = [Candidate(1), Candidate(2), Candidate(3)];
        EnsembleCandidate[] reversed = [Candidate(3), Candidate(2), Candidate(1)];
        var firsts = new HashSet<string>();
        for (ulong segment = 0; segment < 3; segment++)
        {
            Assert.True(EnsembleSelector.TryChoose(QuorumSpec.Default, candidates, segment, out var members));
            Assert.True(EnsembleSelector.TryChoose(QuorumSpec.Default, reversed, segment, out var again));
            Assert.Equal(members, again);
            firsts.Add(members[0].NodeId);
        }

        Assert.Equal(3, firsts.Count);
    }
}
