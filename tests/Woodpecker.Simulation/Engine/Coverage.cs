namespace Woodpecker.Simulation.Engine;

/// <summary>How often each fault was injected, each answer given, each log line written.</summary>
internal sealed class Coverage
{
    public SortedDictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    public void Count(string what, long by = 1) => Counts[what] = Counts.GetValueOrDefault(what) + by;

    public void Add(Coverage other)
    {
        foreach (var (what, count) in other.Counts)
            Count(what, count);
    }
}
