using System.Numerics;

namespace Woodpecker.Tool.Benchmark;

/// <summary>Counts of latencies in microseconds, in buckets that are at most 1.6 % wide; constant memory.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubCount = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubCount];

    public long Count { get; private set; }

    public long Max { get; private set; }

    public void Add(TimeSpan latency)
    {
        var value = Math.Max(0, (long)latency.TotalMicroseconds);
        _counts[IndexOf((ulong)value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    /// <summary>The latency, in microseconds, that the share of all did not exceed.</summary>
    public long Percentile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank && seen > 0)
                return Math.Min(UpperBound(i), Max);
        }

        return 0;
    }

    /// <summary>Upper bound in microseconds and count of every bucket that has any.</summary>
    public IReadOnlyList<long[]> Buckets()
    {
        var buckets = new List<long[]>();
        for (var i = 0; i < _counts.Length; i++)
        {
            if (_counts[i] > 0)
                buckets.Add([UpperBound(i), _counts[i]]);
        }

        return buckets;
    }

    private static int IndexOf(ulong value)
    {
        if (value < SubCount)
            return (int)value;
        var shift = BitOperations.Log2(value) - SubBits;
        return ((shift + 1) << SubBits) + (int)((value >> shift) - SubCount);
    }

    private static long UpperBound(int index)
    {
        if (index < SubCount)
            return index;
        var shift = (index >> SubBits) - 1;
        return (((long)(index & (SubCount - 1)) + SubCount + 1) << shift) - 1;
    }
}
