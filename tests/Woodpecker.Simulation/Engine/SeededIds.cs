using Woodpecker.Storage;

namespace Woodpecker.Simulation.Engine;

/// <summary>Ids of one life, drawn from the seed.</summary>
internal sealed class SeededIds(SimRandom random) : IIdSource
{
    public Guid NewGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    public ulong NewNonce() => random.NextU64() | 1;
}
