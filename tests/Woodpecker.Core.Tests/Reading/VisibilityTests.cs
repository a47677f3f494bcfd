using CsCheck;
using Woodpecker.Reading;

namespace Woodpecker.Core.Tests.Reading;

public sealed class VisibilityTests
{
    [Fact] // INV-7
    public void End_NeverGoesBack_WhateverIsLearned() =>
        Gen.Select(Gen.Long[-1, 200], Gen.Bool).Array[1, 30].Sample(reports =>
        {
            var visibility = new Visibility();
            var before = Offset.Zero;
            foreach (var (entry, isSealed) in reports)
            {
                var span = isSealed ? Views.Sealed(0, 10, 60) : Views.Open(0, 10);
                visibility.Learn(span, new EntryId(entry));
                Assert.True(visibility.End >= before);
                before = visibility.End;
            }
        });

    [Fact] // V1, INV-8
    public void Limit_IsTheSealedEnd_HoweverMuchAMemberReports()
    {
        var visibility = new Visibility();
        var span = Views.Sealed(0, 10, 60);

        visibility.Learn(span, new EntryId(500));

        Assert.Equal(new Offset(60), visibility.End);
        Assert.Equal(new Offset(60), visibility.LimitOf(span));
    }

    [Fact]
    public void Limit_OfAnOpenSegment_IsTheHighestReportedEntry()
    {
        var visibility = new Visibility();
        var span = Views.Open(0, 10);
        Assert.Equal(new Offset(10), visibility.LimitOf(span));

        visibility.Learn(span, new EntryId(4));
        visibility.Learn(span, new EntryId(2));

        Assert.Equal(new Offset(15), visibility.LimitOf(span));
    }

    [Fact]
    public void End_CoversEverySealedSegmentOfTheView()
    {
        var visibility = new Visibility();

        visibility.Learn(Views.Of(Views.Sealed(0, 0, 10), Views.Sealed(1, 10, 25), Views.Open(2, 25)));

        Assert.Equal(new Offset(25), visibility.End);
    }
}
