using Woodpecker.Reading;

namespace Woodpecker.Core.Tests.Reading;

public sealed class ReaderCoreTests
{
    private readonly ReaderCore _core = new();

    [Fact] // V3
    public void Members_AreAskedInTurn_UntilOneAnswers()
    {
        var first = _core.Begin(Views.Open(0, 0));
        var second = _core.Step(first.Source, SourceAnswer.Unavailable);
        var third = _core.Step(second.Source, SourceAnswer.Corrupt);

        Assert.Equal([0, 1, 2], new[] { first, second, third }.Select(d => d.Source.Member));
        Assert.Equal(ReaderAction.Deliver, _core.Step(third.Source, SourceAnswer.Entries).Action);
    }

    [Fact]
    public void TheMemberThatAnsweredLast_IsAskedFirst()
    {
        var first = _core.Begin(Views.Open(0, 0));
        var second = _core.Step(first.Source, SourceAnswer.Unavailable);
        _core.Step(second.Source, SourceAnswer.Entries);

        Assert.Equal(1, _core.Begin(Views.Open(0, 0)).Source.Member);
    }

    [Fact]
    public void Rotate_PrefersAnotherMember_SoThatALaggingOneIsLeft()
    {
        var first = _core.Begin(Views.Open(0, 0));
        _core.Step(first.Source, SourceAnswer.NotYet);

        _core.Rotate();

        Assert.Equal(1, _core.Begin(Views.Open(0, 0)).Source.Member);
    }

    [Fact]
    public void PublishedObjects_AreAskedBeforeTheMembers()
    {
        var first = _core.Begin(Views.Published(0, 0, 10));
        var second = _core.Step(first.Source, SourceAnswer.Unavailable);

        Assert.Equal(SourceKind.Objects, first.Source.Kind);
        Assert.Equal(SourceKind.Member, second.Source.Kind);
    }

    [Fact]
    public void AWholeRoundWithoutAnAnswer_BacksOffLongerEachTime_AndEndsUnavailable()
    {
        var pauses = new List<TimeSpan>();
        var decision = FailRound(SourceAnswer.Unavailable);
        while (decision.Action == ReaderAction.BackOff)
        {
            pauses.Add(decision.Wait);
            decision = FailRound(SourceAnswer.Unavailable);
        }

        Assert.Equal(ReaderCore.MaxRounds - 1, pauses.Count);
        Assert.Equal(pauses.Order(), pauses);
        Assert.Equal((ReaderAction.Fail, ReadOutcomeKind.Unavailable), (decision.Action, decision.Failure));
    }

    [Fact] // INV-31
    public void CorruptCopies_EndCorrupt_NeverNotYet()
    {
        var decision = FailRound(SourceAnswer.Corrupt);
        while (decision.Action == ReaderAction.BackOff)
            decision = FailRound(SourceAnswer.Corrupt);

        Assert.Equal((ReaderAction.Fail, ReadOutcomeKind.Corrupt), (decision.Action, decision.Failure));
    }

    [Fact] // C3
    public void AMissingObject_IsLookedUpOnceMore_AndThenIsDataLoss()
    {
        var span = Views.Published(0, 0, 10) with { Members = [] };
        var refresh = _core.Step(_core.Begin(span).Source, SourceAnswer.Missing);
        var loss = _core.Step(_core.Begin(span).Source, SourceAnswer.Missing);

        Assert.Equal(ReaderAction.Refresh, refresh.Action);
        Assert.Equal((ReaderAction.Fail, ReadOutcomeKind.DataLoss), (loss.Action, loss.Failure));
    }

    [Fact] // C2, C3
    public void AMissingObject_IsNotLost_WhenAMergeReplacedTheManifest()
    {
        _core.Step(_core.Begin(Views.Published(0, 0, 10, "old")).Source, SourceAnswer.Missing);

        var again = _core.Begin(Views.Published(0, 0, 20, "new", last: 1));

        Assert.Equal(ReaderAction.Deliver, _core.Step(again.Source, SourceAnswer.Entries).Action);
    }

    [Fact] // V3
    public void AShortCopyOfASealedSegment_LeadsToTheNextMember()
    {
        var first = _core.Begin(Views.Sealed(0, 0, 10));

        var next = _core.Step(first.Source, SourceAnswer.Short);

        Assert.Equal((ReaderAction.Ask, 1), (next.Action, next.Source.Member));
    }

    [Fact] // V6
    public void TheEndOfAnOpenSegment_AsksTheMetadata_NotTheNextMember()
    {
        var first = _core.Begin(Views.Open(0, 0));

        Assert.Equal(ReaderAction.Refresh, _core.Step(first.Source, SourceAnswer.EndOfSegment).Action);
    }

    [Fact] // V2: a member's idea of the end does not count against metadata
    public void TheEndBeforeTheSealedEnd_IsTheMembersProblem()
    {
        var first = _core.Begin(Views.Sealed(0, 0, 10));

        Assert.Equal(ReaderAction.Ask, _core.Step(first.Source, SourceAnswer.EndOfSegment).Action);
    }

    [Fact]
    public void AnEndThatMetadataDoesNotKnow_DoesNotAskForMetadataForEver()
    {
        _core.Step(_core.Begin(Views.Open(0, 0)).Source, SourceAnswer.EndOfSegment);

        var again = _core.Step(_core.Begin(Views.Open(0, 0)).Source, SourceAnswer.EndOfSegment);

        Assert.Equal(ReaderAction.Ask, again.Action);
    }

    private ReaderDecision FailRound(SourceAnswer answer)
    {
        var decision = _core.Begin(Views.Open(0, 0));
        while (decision.Action == ReaderAction.Ask)
            decision = _core.Step(decision.Source, answer);
        return decision;
    }
}
