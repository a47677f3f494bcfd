using CsCheck;
using Woodpecker.Format.Objects;

namespace Woodpecker.Format.Tests.Objects;

public sealed class ObjectNamesTests
{
    [Fact]
    public void Names_HaveTheDocumentedForm()
    {
        Assert.Equal(
            "0000000000000007/00000000000000000010/0000000000002329-0001.wps",
            ObjectNames.Segment(new LogId(7), new SegmentId(10), 9_001, 1));
        Assert.Equal(
            "0000000000000007/00000000000000000010/0000000000002329-m.wpm",
            ObjectNames.Manifest(new LogId(7), new SegmentId(10), 9_001));
        Assert.Equal(
            "00000000000000ff/00000000000000000000/s-00000000000000000042.wpb",
            ObjectNames.Slot(new LogId(255), new SegmentId(0), 42));
        Assert.Equal(
            "00000000000000ff/00000000000000000000/s-00000000000000000042-0000000000000003-abcdef0123456789.wpb",
            ObjectNames.VerifiedSlot(new LogId(255), new SegmentId(0), 42, new LogEpoch(3), 0xABCDEF0123456789));
    }

    [Fact]
    public void EveryName_IsParsedBack() =>
        Gen.Select(Gen.Enum<ObjectKind>(), Gen.ULong, Gen.ULong, Gen.Long[1, long.MaxValue], Gen.Int[1, 9_999], Gen.ULong, Gen.ULong)
            .Sample((kind, log, segment, token, part, slot, epoch) =>
            {
                var name = kind switch
                {
                    ObjectKind.Segment => new ObjectName(kind, new LogId(log), new SegmentId(segment), token, part),
                    ObjectKind.Manifest => new ObjectName(kind, new LogId(log), new SegmentId(segment), token),
                    ObjectKind.Slot => new ObjectName(kind, new LogId(log), new SegmentId(segment), Slot: slot),
                    _ => new ObjectName(kind, new LogId(log), new SegmentId(segment), Slot: slot, Epoch: new LogEpoch(epoch), SlotNonce: token is var n ? (ulong)n : 0),
                };
                return ObjectNames.TryParse(ObjectNames.Format(name), out var parsed) && parsed == name;
            });

    [Fact]
    public void AnyOtherText_IsRefused()
    {
        var good = ObjectNames.Segment(new LogId(7), new SegmentId(10), 9_001, 1);
        string[] bad =
        [
            "", "/", good[1..], good + " ", good.ToUpperInvariant(), good.Replace('/', '\\'), "x" + good[1..],
            good.Replace(".wps", ".wpx"), good.Replace("-0001", "-0000"), good.Replace("0001.", "001."),
            good.Replace("0000000000002329", "0000000000000000"), good.Replace("0000000000002329", "8000000000000000"),
            good.Replace("00000000000000000010", "99999999999999999999"), good.Replace("00000000000000000010", "0000000000000000001٠"),
        ];
        foreach (var text in bad)
            Assert.False(ObjectNames.TryParse(text, out _), text);
        Gen.Int[0, good.Length - 1].Select(Gen.Char, (at, c) => good[..at] + c + good[(at + 1)..])
            .Sample(text => !ObjectNames.TryParse(text, out var name) || ObjectNames.Format(name) == text);
    }
}
