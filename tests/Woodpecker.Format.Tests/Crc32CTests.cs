using System.Text;
using CsCheck;

namespace Woodpecker.Format.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void Compute_GivesTheCheckValue_ForTheStandardText() =>
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Compute_IsZero_ForNothing() => Assert.Equal(0u, Crc32C.Compute([]));

    [Fact]
    public void Compute_EqualsBitByBitDefinition_ForShortInputs()
    {
        var bytes = RandomBytes(1, 300);
        for (var length = 0; length <= bytes.Length; length++)
            Assert.Equal(BitByBit(bytes.AsSpan(0, length)), Crc32C.Compute(bytes.AsSpan(0, length)));
    }

    [Fact]
    public void Compute_InThreeStreams_EqualsOneStream_ForEveryLengthTo20000()
    {
        var bytes = RandomBytes(2, 20_000);
        var single = ~0u;
        for (var length = 0; length <= bytes.Length; length++)
        {
            if (Crc32C.Compute(bytes.AsSpan(0, length)) != ~single)
                Assert.Fail($"length {length}");
            if (length < bytes.Length)
                single = Crc32C.UpdateSingle(single, bytes.AsSpan(length, 1));
        }
    }

    [Fact]
    public void ExtendAndCombine_EqualOnePass_ForAnySplit() =>
        Gen.Select(Gen.Byte.Array[0, 9_000], Gen.Byte.Array[0, 9_000]).Sample((a, b) =>
        {
            var whole = Crc32C.Compute([.. a, .. b]);
            return whole == Crc32C.Extend(Crc32C.Compute(a), b)
                && whole == Crc32C.Combine(Crc32C.Compute(a), Crc32C.Compute(b), b.Length);
        }, iter: 300);

    [Fact]
    public void Combine_HoldsForLengthsBeyondFourGiB()
    {
        // crc(A + zeros(2^33)) by doubling: appending n zeros twice is appending 2n.
        const long Length = 1L << 33;
        var a = Crc32C.Compute([1, 2, 3]);
        var zeros = Crc32C.Compute(new byte[1 << 20]);
        long length = 1 << 20;
        while (length < Length)
        {
            zeros = Crc32C.Combine(zeros, zeros, length);
            length *= 2;
        }

        var half = Crc32C.Compute(new byte[1 << 20]);
        var expected = a;
        for (var i = 0; i < Length >> 20; i++)
            expected = Crc32C.Combine(expected, half, 1 << 20);
        Assert.Equal(expected, Crc32C.Combine(a, zeros, Length));
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        var state = ~0u;
        foreach (var b in bytes)
        {
            state ^= b;
            for (var bit = 0; bit < 8; bit++)
                state = (state & 1) != 0 ? (state >> 1) ^ 0x82F63B78 : state >> 1;
        }

        return ~state;
    }

    private static byte[] RandomBytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
