using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Segments;

/// <summary>The legal edges, as one table (INV-14).</summary>
public sealed class SegmentLifecycleTests
{
    private static readonly (SegmentState? From, SegmentState? To)[] _legal =
    [
        (null, SegmentState.Prepared),
        (null, SegmentState.Open),
        (SegmentState.Prepared, SegmentState.Prepared),
        (SegmentState.Prepared, SegmentState.Open),
        (SegmentState.Prepared, null),
        (SegmentState.Open, SegmentState.Sealed),
        (SegmentState.Open, SegmentState.Recovering),
        (SegmentState.Recovering, SegmentState.Recovering),
        (SegmentState.Recovering, SegmentState.Sealed),
        (SegmentState.Sealed, SegmentState.Compacted),
        (SegmentState.Sealed, SegmentState.Truncated),
        (SegmentState.Compacted, SegmentState.Compacted),
        (SegmentState.Compacted, SegmentState.Truncated),
        (SegmentState.Truncated, SegmentState.Deleting),
        (SegmentState.Deleting, null),
    ];

    private static IEnumerable<SegmentState?> States => [null, .. Enum.GetValues<SegmentState>()];

    [Fact]
    public void ExactlyTheEdgesOfTheProtocol_AreLegal()
    {
        foreach (var from in States)
        {
            foreach (var to in States)
                Assert.Equal(_legal.Contains((from, to)), SegmentLifecycle.IsLegal(from, to));
        }
    }

    [Fact]
    public void Check_Fails_OnAnIllegalEdge() =>
        Assert.Throws<InvariantViolationException>(
            () => SegmentLifecycle.Check(SegmentState.Sealed, SegmentState.Open));

    [Fact]
    public void DeletionOfTheLog_MovesEveryStateToDeleting()
    {
        foreach (var from in Enum.GetValues<SegmentState>())
            Assert.True(SegmentLifecycle.IsLegalForDeletedLog(from, SegmentState.Deleting));
        Assert.False(SegmentLifecycle.IsLegalForDeletedLog(SegmentState.Sealed, SegmentState.Open));
    }

    [Theory]
    [InlineData(SegmentState.Prepared, false, false)]
    [InlineData(SegmentState.Open, false, true)]
    [InlineData(SegmentState.Recovering, false, true)]
    [InlineData(SegmentState.Sealed, true, false)]
    [InlineData(SegmentState.Deleting, true, false)]
    public void Predicates_FollowTheState(SegmentState state, bool hasFixedEnd, bool isActive)
    {
        Assert.Equal(hasFixedEnd, SegmentLifecycle.HasFixedEnd(state));
        Assert.Equal(hasFixedEnd, SegmentLifecycle.IsOpenToJobs(state)); // X4
        Assert.Equal(isActive, SegmentLifecycle.IsActive(state));
    }
}
