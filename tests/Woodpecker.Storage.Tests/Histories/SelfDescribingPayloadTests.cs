using Woodpecker.Testing.Histories;

namespace Woodpecker.Storage.Tests.Histories;

public sealed class SelfDescribingPayloadTests
{
    [Theory]
    [InlineData(0, SelfDescribingPayload.MinSize)]
    [InlineData(28, 28)]
    [InlineData(29, 29)]
    [InlineData(4096, 4096)]
    public void Payload_SaysWhoseItIs_AndIsTheSameForTheSameSeed(int asked, int size)
    {
        var bytes = SelfDescribingPayload.Create(3, 12, asked, seed: 5);

        Assert.Equal(PayloadCondition.Whole, SelfDescribingPayload.Read(bytes, out var read));
        Assert.Equal(new SelfDescribingPayload(3, 12, size), read);
        Assert.Equal(bytes, SelfDescribingPayload.Create(3, 12, asked, seed: 5));
        Assert.NotEqual(bytes, SelfDescribingPayload.Create(3, 13, asked, seed: 5));
    }

    [Fact]
    public void EveryFlippedBit_IsNoticed()
    {
        var bytes = SelfDescribingPayload.Create(3, 12, 64, seed: 5);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            // A changed magic makes foreign bytes of it; everything else is damage.
            Assert.Equal(bit < 32 ? PayloadCondition.Foreign : PayloadCondition.Damaged, SelfDescribingPayload.Read(bytes, out _));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void ShortOrForeignBytes_AreForeign()
    {
        Assert.Equal(PayloadCondition.Foreign, SelfDescribingPayload.Read([], out _));
        Assert.Equal(PayloadCondition.Foreign, SelfDescribingPayload.Read(new byte[100], out _));
    }
}
