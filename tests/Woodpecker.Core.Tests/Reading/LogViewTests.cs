using Woodpecker.Reading;

namespace Woodpecker.Core.Tests.Reading;

public sealed class LogViewTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(9, 0)]
    [InlineData(10, 2)]
    [InlineData(29, 2)]
    [InlineData(30, 5)]
    [InlineData(1_000_000, 5)]
    public void Locate_FindsTheSegmentThatCoversTheOffset_AcrossEmptyAndMergedOnes(ulong offset, ulong segment)
    {
        var view = Views.Of(
            Views.Sealed(0, 0, 10), Views.Sealed(1, 10, 10), Views.Published(2, 10, 30, last: 4), Views.Open(5, 30));

        var location = view.Locate(new Offset(offset));

        Assert.Equal(LocationKind.Segment, location.Kind);
        Assert.Equal(new SegmentId(segment), location.Segment!.First);
    }

    [Fact]
    public void Locate_AnswersTruncated_BelowTheTruncationPoint()
    {
        var view = Views.Of(5, Views.Open(0, 0));

        Assert.Equal(new Location(LocationKind.Truncated, null, new Offset(5)), view.Locate(new Offset(4)));
        Assert.Equal(LocationKind.Segment, view.Locate(new Offset(5)).Kind);
    }

    [Fact]
    public void Locate_AnswersLost_InsideADeclaredLoss()
    {
        var view = Views.Of(Views.Sealed(0, 0, 10, lostEnd: 100), Views.Open(1, 100));

        Assert.Equal((LocationKind.Lost, new Offset(100)), Kind(view, 10));
        Assert.Equal((LocationKind.Lost, new Offset(100)), Kind(view, 99));
        Assert.Equal((LocationKind.Segment, new Offset(100)), Kind(view, 100));
    }

    [Fact]
    public void Locate_AnswersPastEnd_WhenTheLastSegmentIsSealedBeforeTheOffset()
    {
        var view = Views.Of(Views.Sealed(0, 0, 10));

        Assert.Equal((LocationKind.PastEnd, new Offset(10)), Kind(view, 10));
        Assert.Equal((LocationKind.PastEnd, new Offset(0)), Kind(Views.Of(), 0));
    }

    [Fact]
    public void Locate_AnswersMissing_WhenNoSegmentCoversAnOffsetThatIsNotTruncated() =>
        Assert.Equal(LocationKind.Missing, Views.Of(Views.Sealed(3, 20, 30)).Locate(new Offset(10)).Kind);

    [Fact]
    public void Locate_AnswersDeleted_ForEveryOffsetOfADeletedLog()
    {
        var view = new LogView(new LogId(7), 1, isDeleted: true, Offset.Zero, [Views.Open(0, 0)]);

        Assert.Equal(LocationKind.Deleted, view.Locate(Offset.Zero).Kind);
    }

    [Fact] // INV-33
    public void Constructor_RefusesSegmentsThatDoNotFollowEachOther()
    {
        var gap = Assert.Throws<WoodpeckerException>(() => Views.Of(Views.Sealed(0, 0, 10), Views.Open(1, 11)));
        var skipped = Assert.Throws<WoodpeckerException>(() => Views.Of(Views.Sealed(0, 0, 10), Views.Open(2, 10)));
        var open = Assert.Throws<WoodpeckerException>(() => Views.Of(Views.Open(0, 0), Views.Open(1, 10)));

        Assert.All([gap, skipped, open], error => Assert.Equal(ErrorKind.Corrupt, error.Kind));
    }

    private static (LocationKind Kind, Offset Offset) Kind(LogView view, ulong offset)
    {
        var location = view.Locate(new Offset(offset));
        return (location.Kind, location.Offset);
    }
}
