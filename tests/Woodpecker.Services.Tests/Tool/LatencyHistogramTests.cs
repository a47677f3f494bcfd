using CsCheck;
using Woodpecker.Tool.Benchmark;

namespace Woodpecker.Services.Tests.Tool;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_AreWithinTwoPercent_OfTheSortedValues() =>
        Gen.Long[0, 100_000_000].Array[1, 500].Sample(values =>
        {
            var histogram = new LatencyHistogram();
            foreach (var value in values)
                histogram.Add(TimeSpan.FromMicroseconds(value));
            Array.Sort(values);
            foreach (var share in new[] { 0.5, 0.9, 0.99, 1.0 })
            {
                var exact = values[(int)Math.Ceiling(share * values.Length) - 1];
                Assert.InRange(histogram.Percentile(share), exact, (exact * 1.02) + 1);
            }

            Assert.Equal(values.Length, histogram.Buckets().Sum(static bucket => bucket[1]));
        });

    [Fact]
    public void NoLatencies_GiveZero() => Assert.Equal(0, new LatencyHistogram().Percentile(0.5));
}
