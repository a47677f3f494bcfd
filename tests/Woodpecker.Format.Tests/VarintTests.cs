using CsCheck;

namespace Woodpecker.Format.Tests;

public sealed class VarintTests
{
    [Fact]
    public void Read_GivesWhatWasWritten_AndSizeOfTellsItsLength() =>
        Gen.ULong.Sample(value =>
        {
            var buffer = new byte[Varint.MaxSize];
            var length = Varint.Write(buffer, value);
            var at = 0;
            return length == Varint.SizeOf(value)
                && Varint.TryRead(buffer.AsSpan(0, length), ref at, out var read) && read == value && at == length;
        });

    [Theory]
    [InlineData(0UL, 1)]
    [InlineData(127UL, 1)]
    [InlineData(128UL, 2)]
    [InlineData(ulong.MaxValue, 10)]
    public void SizeOf_IsTheShortestForm(ulong value, int size) => Assert.Equal(size, Varint.SizeOf(value));

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 0x80, 0x00 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x00 })]
    public void Read_Refuses_WhatIsCutOverlongOrTooLarge(byte[] bytes)
    {
        var at = 0;
        Assert.False(Varint.TryRead(bytes, ref at, out _));
        Assert.Equal(0, at);
    }

    [Fact]
    public void ZigZag_RoundTrips() => Gen.Long.Sample(value => Varint.UnZigZag(Varint.ZigZag(value)) == value);
}
