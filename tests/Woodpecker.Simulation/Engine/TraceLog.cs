using System.Globalization;

namespace Woodpecker.Simulation.Engine;

/// <summary>Everything that happened: a running hash of all of it, and the last lines for people.</summary>
internal sealed class TraceLog(TextWriter? all)
{
    private const int Kept = 8_192;
    private const ulong Prime = 0x100000001B3;

    private readonly (long At, string Node, string Kind, string? Text)[] _ring = new (long, string, string, string?)[Kept];
    private long _count;
    private long _now;

    /// <summary>Whether events without a text are written, too.</summary>
    public bool ShowsEvents { get; init; }

    /// <summary>FNV-1a over times, nodes, kinds and texts.</summary>
    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    /// <summary>Lines so far.</summary>
    public long Count => _count;

    public void Event(long now, string node, string kind)
    {
        _now = now;
        Add(node, kind, null);
    }

    public void Add(string node, string kind, string? text)
    {
        Mix((ulong)_now);
        Mix(node);
        Mix(kind);
        if (text is not null)
            Mix(text);
        _ring[_count++ % Kept] = (_now, node, kind, text);
        if (all is not null && (text is not null || ShowsEvents))
            all.WriteLine(Line(_now, node, kind, text ?? ""));
    }

    /// <summary>The last lines with a text, of every node, in order.</summary>
    public IEnumerable<string> Tail(int perNode)
    {
        var left = new Dictionary<string, int>(StringComparer.Ordinal);
        var lines = new List<string>();
        for (var i = _count - 1; i >= Math.Max(0, _count - Kept); i--)
        {
            var (at, node, kind, text) = _ring[i % Kept];
            if (text is null)
                continue;
            left.TryAdd(node, perNode);
            if (left[node]-- > 0)
                lines.Add(Line(at, node, kind, text));
        }

        lines.Reverse();
        return lines;
    }

    private static string Line(long at, string node, string kind, string text) => string.Create(
        CultureInfo.InvariantCulture, $"{at / (double)TimeSpan.TicksPerSecond,11:F6} {node,-10} {kind,-14} {text}");

    private void Mix(string text)
    {
        foreach (var c in text)
            Hash = (Hash ^ c) * Prime;
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * Prime;
}
