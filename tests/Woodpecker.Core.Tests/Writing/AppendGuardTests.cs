using Woodpecker.Writing;

namespace Woodpecker.Core.Tests.Writing;

/// <summary>The checks of section 17 and their order.</summary>
public sealed class AppendGuardTests
{
    private static readonly ProducerStamp _stamp = new(Guid.Parse("aaaaaaaa-0000-0000-0000-000000000009"), 1, 0);

    private static AppendGuard Guard(string token = "", bool requiresToken = false) =>
        new(AppendFold.Load([], token), requiresToken);

    [Fact]
    public void Duplicate_IsAnswered_BeforeTokenAndOffsetAreLookedAt()
    {
        var guard = Guard("mine");
        guard.Apply(new BatchFacts(1, _stamp, FencingToken: "mine"), new Offset(4));
        var retry = new BatchFacts(1, _stamp, new Offset(99), "other");
        Assert.Equal(
            new AppendDecision(AppendDecisionKind.Duplicate, new Offset(4)),
            guard.Check(retry, new Offset(5), new Offset(5)));
        Assert.True(guard.Check(retry, new Offset(5), new Offset(4)).IsPending);
    }

    [Fact]
    public void Token_IsLookedAt_BeforeTheExpectedOffset()
    {
        var batch = new BatchFacts(1, ExpectedOffset: new Offset(99), FencingToken: "other");
        Assert.Equal(AppendDecisionKind.TokenMismatch, Guard("mine").Check(batch, Offset.Zero, Offset.Zero).Kind);
        Assert.Equal(
            new AppendDecision(AppendDecisionKind.OffsetMismatch, new Offset(7)),
            Guard().Check(batch, new Offset(7), Offset.Zero));
    }

    [Theory]
    [InlineData("", null, false, true)]
    [InlineData("", "any", false, true)]
    [InlineData("mine", null, false, true)]
    [InlineData("mine", null, true, false)]
    [InlineData("", null, true, true)]
    [InlineData("mine", "mine", true, true)]
    [InlineData("mine", "Mine", false, false)]
    public void Token_ComparesOrdinally_AndNamingNonePassesUnlessRequired(
        string token, string? named, bool required, bool passes)
    {
        var decision = Guard(token, required).Check(new BatchFacts(1, FencingToken: named), Offset.Zero, Offset.Zero);
        Assert.Equal(passes, decision.Kind == AppendDecisionKind.Accepted); // P5
    }

    [Fact]
    public void SetToken_CountsFromThatEntryOn_AndAnEmptyOneClears()
    {
        var guard = Guard();
        guard.Apply(new BatchFacts(1, SetFencingToken: "a"), Offset.Zero);
        Assert.Equal(
            AppendDecisionKind.TokenMismatch,
            guard.Check(new BatchFacts(1, FencingToken: "b"), new Offset(1), Offset.Zero).Kind);
        guard.Apply(new BatchFacts(1, SetFencingToken: ""), new Offset(1));
        Assert.Equal(
            AppendDecisionKind.Accepted,
            guard.Check(new BatchFacts(1, FencingToken: "b"), new Offset(2), Offset.Zero).Kind);
    }

    [Fact]
    public void LastOffset_IsNotExceeded()
    {
        var decision = Guard().Check(new BatchFacts(2), new Offset(Limits.MaxOffset - 1), Offset.Zero);
        Assert.Equal(AppendDecisionKind.LogFull, decision.Kind);
    }

    [Theory]
    [InlineData(AppendDecisionKind.DuplicateTooOld, ErrorKind.Invalid)]
    [InlineData(AppendDecisionKind.OutOfOrder, ErrorKind.Mismatch)]
    [InlineData(AppendDecisionKind.ProducerFenced, ErrorKind.Fenced)]
    [InlineData(AppendDecisionKind.TokenMismatch, ErrorKind.Mismatch)]
    [InlineData(AppendDecisionKind.OffsetMismatch, ErrorKind.Mismatch)]
    [InlineData(AppendDecisionKind.TooManyProducers, ErrorKind.Unavailable)]
    public void Refusals_SayWhatToDo(AppendDecisionKind kind, ErrorKind expected)
    {
        var error = new AppendDecision(kind).ToException();
        Assert.Equal(expected, error.Kind);
        Assert.Equal(kind.ToString(), error.Reason);
    }
}
