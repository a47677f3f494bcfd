using Woodpecker.Format.Objects;

namespace Woodpecker.Storage.Cache;

/// <summary>A block whose every checksum, entry and chain link was verified when it entered the cache. Immutable.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Raw">Its raw body; entries handed out are slices of it.</param>
public sealed record CachedBlock(BlockHeader Header, ReadOnlyMemory<byte> Raw)
{
    /// <summary>Memory the block is charged for, in bytes.</summary>
    public long Cost => Raw.Length + Overhead;

    private const int Overhead = 512;
}
