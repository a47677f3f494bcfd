namespace Woodpecker.Simulation.Engine;

/// <summary>SplitMix64: the same numbers on every platform, for ever.</summary>
internal sealed class SimRandom(ulong seed) : Random
{
    private ulong _state = seed;

    public ulong NextU64()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public override int Next() => (int)(NextU64() >> 33);

    public override int Next(int maxValue) => (int)(NextU64() % (uint)Math.Max(1, maxValue));

    public override int Next(int minValue, int maxValue) => minValue + Next(maxValue - minValue);

    public override double NextDouble() => (NextU64() >> 11) * (1.0 / (1UL << 53));

    protected override double Sample() => NextDouble();

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        for (var i = 0; i < buffer.Length; i++)
            buffer[i] = (byte)NextU64();
    }

    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    public TimeSpan Between(double minMilliseconds, double maxMilliseconds) =>
        TimeSpan.FromTicks((long)((minMilliseconds + (NextDouble() * (maxMilliseconds - minMilliseconds))) * TimeSpan.TicksPerMillisecond));

    public T Pick<T>(IReadOnlyList<T> list) => list[Next(list.Count)];

    /// <summary>A stream of its own, so that draws of one concern do not shift those of another.</summary>
    public SimRandom Fork() => new(NextU64());
}
