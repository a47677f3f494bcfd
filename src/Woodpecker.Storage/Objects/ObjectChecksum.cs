using System.Buffers;
using Woodpecker.Format;

namespace Woodpecker.Storage.Objects;

/// <summary>CRC32C of an object's bytes, also where they lie in several buffers.</summary>
public static class ObjectChecksum
{
    /// <summary>The checksum of <paramref name="bytes"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Crc32C.Compute(bytes);

    /// <summary>The checksum of <paramref name="bytes"/>, taken in order.</summary>
    public static uint Of(in ReadOnlySequence<byte> bytes)
    {
        var crc32C = 0u;
        foreach (var part in bytes)
            crc32C = Crc32C.Extend(crc32C, part.Span);
        return crc32C;
    }
}
