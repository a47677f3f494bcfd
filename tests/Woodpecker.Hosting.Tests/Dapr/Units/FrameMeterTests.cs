using System.Buffers.Binary;
using Dapr.Sidecar.Embedded.Forwarding;

namespace Woodpecker.Hosting.Tests.Dapr.Units;

public sealed class FrameMeterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Messages_AreFollowed_HoweverTheBytesAreCut(int piece)
    {
        byte[] bytes = [.. Message(0), .. Message(10), .. Message(100), .. Message(1)];
        var meter = new FrameMeter(100);
        var end = 0;
        foreach (var part in bytes.Chunk(piece))
        {
            Assert.True(meter.Take(part));
            end += part.Length;
            Assert.Equal(end is 5 or 20 or 125 or 131, meter.AtBoundary);
        }

        Assert.Equal(0u, meter.TooLarge);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void MessageOverTheLimit_IsSeenByItsPrefix(int piece)
    {
        byte[] bytes = [.. Message(100), .. Message(101)[..5]];
        var meter = new FrameMeter(100);
        var accepted = bytes.Chunk(piece).Select(part => meter.Take(part)).ToArray();
        Assert.False(accepted[^1]);
        Assert.DoesNotContain(false, accepted[..^1]);
        Assert.Equal(101u, meter.TooLarge);
    }

    [Fact]
    public void LengthThatLooksNegative_IsTooLarge()
    {
        var meter = new FrameMeter(int.MaxValue);
        Assert.False(meter.Take([0, 0xff, 0xff, 0xff, 0xff]));
        Assert.Equal(uint.MaxValue, meter.TooLarge);
    }

    private static byte[] Message(int length)
    {
        var bytes = new byte[5 + length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)length);
        return bytes;
    }
}
