using CsCheck;
using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Segments;

/// <summary>Offsets to segments and back.</summary>
public sealed class SegmentMapTests
{
    private static SegmentSpan Sealed(ulong id, ulong baseOffset, long lastEntry) =>
        SegmentSpan.Of(new SegmentId(id), SegmentState.Sealed, new Offset(baseOffset), new EntryId(lastEntry));

    private static SegmentSpan Open(ulong id, ulong baseOffset) =>
        SegmentSpan.Of(new SegmentId(id), SegmentState.Open, new Offset(baseOffset), null);

    [Fact]
    public void EveryOffset_IsFoundWhereTheNaiveWalkFindsIt() => Gen.Int[0, 5].Array[1, 12].Sample(counts =>
    {
        var spans = new List<SegmentSpan>();
        var expected = new List<(int Index, long Entry)>();
        ulong next = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            spans.Add(Sealed((ulong)i, next, counts[i] - 1));
            for (var entry = 0; entry < counts[i]; entry++)
                expected.Add((i, entry));
            next += (ulong)counts[i];
        }

        spans.Add(Open((ulong)counts.Length, next));
        Assert.True(SegmentMap.TryCreate([.. spans], out var map));
        for (var offset = 0; offset < expected.Count; offset++)
        {
            var place = map.Find(new Offset((ulong)offset));
            Assert.Equal(
                new SegmentPlace(SegmentPlaceKind.Inside, expected[offset].Index, new EntryId(expected[offset].Entry)),
                place);
            Assert.Equal(new Offset((ulong)offset), map.OffsetOf(place.Index, place.Entry));
        }

        Assert.Equal(SegmentPlaceKind.Active, map.Find(new Offset(next)).Kind);
        Assert.Equal(new Offset(next), map.FixedEnd);
    });

    [Fact]
    public void LostRange_IsTold_AndTheNextBaseLiesBehindIt()
    {
        var lost = Sealed(0, 0, 9) with { LostEnd = new Offset(100) };
        Assert.True(SegmentMap.TryCreate([lost, Open(1, 100)], out var map));
        Assert.Equal(SegmentPlaceKind.Inside, map.Find(new Offset(9)).Kind);
        Assert.Equal(SegmentPlaceKind.Lost, map.Find(new Offset(10)).Kind);
        Assert.Equal(SegmentPlaceKind.Lost, map.Find(new Offset(99)).Kind);
        Assert.Equal(SegmentPlaceKind.Active, map.Find(new Offset(100)).Kind);
    }

    [Fact]
    public void TruncatedAndUnknownEnds_AreDifferentAnswers()
    {
        Assert.True(SegmentMap.TryCreate([Sealed(3, 30, 9)], out var map));
        Assert.Equal(SegmentPlaceKind.BeforeFirst, map.Find(new Offset(29)).Kind);
        Assert.Equal(SegmentPlaceKind.AfterLast, map.Find(new Offset(40)).Kind);
        Assert.Equal(SegmentPlaceKind.AfterLast, SegmentMap.Empty.Find(Offset.Zero).Kind);
    }

    [Fact]
    public void MergedKey_CoversItsSegments()
    {
        var merged = Sealed(0, 0, 99) with { Last = new SegmentId(4), State = SegmentState.Compacted };
        Assert.True(SegmentMap.TryCreate([merged, Open(5, 100)], out var map));
        Assert.Equal(new EntryId(42), map.Find(new Offset(42)).Entry);
    }

    [Fact]
    public void WrongListings_AreRefused()
    {
        Assert.False(SegmentMap.TryCreate([Sealed(0, 0, 9), Sealed(2, 10, 9)], out _)); // INV-14: gap of ids
        Assert.False(SegmentMap.TryCreate([Sealed(0, 0, 9), Sealed(1, 11, 9)], out _)); // INV-33: gap of offsets
        Assert.False(SegmentMap.TryCreate([Open(0, 0), Open(1, 0)], out _)); // INV-14: two active
        Assert.False(SegmentMap.TryCreate([Open(0, 0) with { State = SegmentState.Prepared }], out _));
        Assert.False(SegmentMap.TryCreate([Sealed(0, 0, 9) with { End = null }], out _)); // a fixed end is known
    }
}
