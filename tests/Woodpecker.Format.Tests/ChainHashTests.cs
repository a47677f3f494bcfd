namespace Woodpecker.Format.Tests;

public sealed class ChainHashTests
{
    // Fixed for ever: stored in journals, objects and metadata.
    [Fact]
    public void Start_AndNext_GiveTheValuesOfVersion1()
    {
        var start = ChainHash.Start(new LogId(7), new SegmentId(10), new LogEpoch(8), new Offset(40_960));
        Assert.Equal(374297904025982079UL, start);
        Assert.Equal(5166949323568523323UL, ChainHash.Next(start, 0xE3069283));
    }

    [Fact]
    public void Start_BindsEveryPartOfTheIdentity()
    {
        HashSet<ulong> starts =
        [
            ChainHash.Start(new LogId(1), new SegmentId(2), new LogEpoch(3), new Offset(4)),
            ChainHash.Start(new LogId(9), new SegmentId(2), new LogEpoch(3), new Offset(4)),
            ChainHash.Start(new LogId(1), new SegmentId(9), new LogEpoch(3), new Offset(4)),
            ChainHash.Start(new LogId(1), new SegmentId(2), new LogEpoch(9), new Offset(4)),
            ChainHash.Start(new LogId(1), new SegmentId(2), new LogEpoch(3), new Offset(9)),
        ];
        Assert.Equal(5, starts.Count);
    }
}
