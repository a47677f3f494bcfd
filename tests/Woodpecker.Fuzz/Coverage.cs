using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Woodpecker.Fuzz;

/// <summary>The map of taken branches that instrumented code writes, and what was ever seen in it.</summary>
/// <remarks>Threads: one. A branch taken more often, by classes of counts, is news too, as in AFL.</remarks>
internal sealed unsafe class Coverage
{
    private const int Size = 1 << 16;

    // One for the life of the process: instrumented code writes to it whenever it runs.
    private static readonly byte* _map = (byte*)NativeMemory.AlignedAlloc(Size, 64);
    private readonly byte[] _seen = new byte[Size];

    public Coverage() => Clear();

    /// <summary>Edges seen so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Before the first instrumented code runs: gives it its map.</summary>
    public static void Attach() => Trace.SharedMem = _map;

#pragma warning disable CA1822 // An instance is what was learnt of one target; the map belongs to all.
    public void Clear()
#pragma warning restore CA1822
    {
        new Span<byte>(_map, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Adds what the last run did; true if it did anything new.</summary>
    public bool Learn()
    {
        var isNew = false;
        var words = new ReadOnlySpan<ulong>(_map, Size / sizeof(ulong));
        for (var word = 0; word < words.Length; word++)
        {
            if (words[word] == 0)
                continue;
            for (var i = word * sizeof(ulong); i < (word + 1) * sizeof(ulong); i++)
            {
                var bit = Class(_map[i]);
                if ((_seen[i] & bit) == bit)
                    continue;
                Edges += _seen[i] == 0 ? 1 : 0;
                _seen[i] |= bit;
                isNew = true;
            }
        }

        return isNew;
    }

    private static byte Class(byte count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
