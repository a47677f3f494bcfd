namespace Woodpecker.Format.Tests;

/// <summary>Every single-bit flip and every truncation of an encoded structure.</summary>
internal static class Damage
{
    /// <summary>Asserts that <paramref name="isDetected"/> holds for each flip outside of the ignorable ranges.</summary>
    public static void FlipEveryBit(byte[] intact, Func<byte[], bool> isDetected, params (int At, int Length)[] ignorable)
    {
        var copy = (byte[])intact.Clone();
        for (var at = 0; at < copy.Length; at++)
        {
            if (ignorable.Any(range => at >= range.At && at < range.At + range.Length))
                continue;
            for (var bit = 0; bit < 8; bit++)
            {
                copy[at] ^= (byte)(1 << bit);
                if (!isDetected(copy))
                    Assert.Fail($"bit {bit} of byte {at} flipped unnoticed");
                copy[at] ^= (byte)(1 << bit);
            }
        }
    }

    public static void CutEveryLength(byte[] intact, Func<byte[], bool> isDetected)
    {
        for (var length = 0; length < intact.Length; length++)
        {
            if (!isDetected(intact[..length]))
                Assert.Fail($"cut to {length} bytes unnoticed");
        }
    }
}
