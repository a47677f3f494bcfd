using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Woodpecker.Format;

/// <summary>
/// CRC32C (Castagnoli): polynomial 0x1EDC6F41 reflected, initial value and final XOR 0xFFFFFFFF.
/// <c>Compute("123456789") = 0xE3069283</c>.
/// </summary>
/// <remarks>
/// Shape:  three interleaved streams for longer inputs (the instruction has a latency of three cycles and a throughput of
///         one), folded with precomputed "append n zero bytes" operators; one stream below <see cref="InterleavedFrom"/>.
/// Source: the interleaving is the well-known one of Gopal et al. (Intel, 2011); the operators are matrices over GF(2).
/// </remarks>
public static class Crc32C
{
    /// <summary>Shortest input, in bytes, that is worth three streams.</summary>
    public const int InterleavedFrom = 3 * ShortRun;

    private const uint Polynomial = 0x82F63B78;
    private const int LongRun = 4096;
    private const int ShortRun = 256;

    private static readonly uint[] _appendLong = ZeroOperator(LongRun);
    private static readonly uint[] _appendShort = ZeroOperator(ShortRun);
    private static readonly uint[] _powers = Powers();

    /// <summary>Checksum of <paramref name="source"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> source) => ~Update(~0u, source);

    /// <summary>Checksum of the bytes behind <paramref name="crc"/> followed by <paramref name="source"/>; start with 0.</summary>
    public static uint Extend(uint crc, ReadOnlySpan<byte> source) => ~Update(~crc, source);

    /// <summary>Checksum of A followed by B, from their checksums and the length of B in bytes.</summary>
    public static uint Combine(uint crcA, uint crcB, long lengthB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthB);
        return Multiply(PowerOfX((ulong)lengthB, 3), crcA) ^ crcB;
    }

    // hot path: no allocation
    private static uint Update(uint state, ReadOnlySpan<byte> source)
    {
        if (source.Length >= InterleavedFrom)
        {
            state = UpdateInterleaved(state, ref source, LongRun, _appendLong);
            state = UpdateInterleaved(state, ref source, ShortRun, _appendShort);
        }

        return UpdateSingle(state, source);
    }

    private static uint UpdateInterleaved(uint state, ref ReadOnlySpan<byte> source, int run, uint[] append)
    {
        while (source.Length >= 3 * run)
        {
            ref var start = ref MemoryMarshal.GetReference(source);
            uint second = 0;
            uint third = 0;
            for (var at = 0; at < run; at += sizeof(ulong))
            {
                state = BitOperations.Crc32C(state, ReadWord(ref start, at));
                second = BitOperations.Crc32C(second, ReadWord(ref start, at + run));
                third = BitOperations.Crc32C(third, ReadWord(ref start, at + (2 * run)));
            }

            state = Apply(append, state) ^ second;
            state = Apply(append, state) ^ third;
            source = source[(3 * run)..];
        }

        return state;
    }

    /// <summary>The plain loop; internal so that tests can compare the two.</summary>
    internal static uint UpdateSingle(uint state, ReadOnlySpan<byte> source)
    {
        ref var start = ref MemoryMarshal.GetReference(source);
        var at = 0;
        for (; at <= source.Length - sizeof(ulong); at += sizeof(ulong))
            state = BitOperations.Crc32C(state, ReadWord(ref start, at));
        for (; at < source.Length; at++)
            state = BitOperations.Crc32C(state, Unsafe.Add(ref start, at));
        return state;
    }

    private static ulong ReadWord(ref byte start, int at)
    {
        var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));
        return BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);
    }

    private static uint Apply(uint[] table, uint state) =>
        table[state & 0xFF] ^ table[256 + ((state >> 8) & 0xFF)] ^ table[512 + ((state >> 16) & 0xFF)] ^ table[768 + (state >> 24)];

    // Four tables of 256: the linear operator "append n zero bytes" for each byte of the state.
    private static uint[] ZeroOperator(int length)
    {
        var power = PowerOfX((ulong)length, 3);
        var table = new uint[4 * 256];
        for (var part = 0; part < 4; part++)
        {
            for (uint value = 0; value < 256; value++)
                table[(part * 256) + (int)value] = Multiply(power, value << (8 * part));
        }

        return table;
    }

    // Product of two reflected polynomials modulo the CRC polynomial.
    private static uint Multiply(uint left, uint right)
    {
        uint product = 0;
        for (var bit = 1u << 31; bit != 0; bit >>= 1)
        {
            if ((left & bit) != 0)
                product ^= right;
            right = (right & 1) != 0 ? (right >> 1) ^ Polynomial : right >> 1;
        }

        return product;
    }

    // x^(n * 2^k) modulo the polynomial; k = 3 turns bytes into bits.
    private static uint PowerOfX(ulong n, int k)
    {
        var powers = _powers ?? Powers();
        var product = 1u << 31;
        for (; n != 0; n >>= 1, k++)
        {
            if ((n & 1) != 0)
                product = Multiply(powers[k % powers.Length], product);
        }

        return product;
    }

    // x^(2^i) for i = 0..31; the sequence repeats after 31 squarings because 2^31 - 1 is the order of x up to a factor.
    private static uint[] Powers()
    {
        var powers = new uint[80];
        powers[0] = 1u << 30;
        for (var i = 1; i < powers.Length; i++)
            powers[i] = Multiply(powers[i - 1], powers[i - 1]);
        return powers;
    }
}
