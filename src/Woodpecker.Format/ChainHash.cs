using System.Buffers.Binary;
using System.IO.Hashing;

namespace Woodpecker.Format;

/// <summary>
/// Running hash over the entry checksums of a segment: equal chains at entry i mean equal entries 0..i, up to 2^-64 and
/// not against an adversary. <c>chain(-1)</c> binds the segment's identity.
/// </summary>
public static class ChainHash
{
    /// <summary>The chain before the first entry: XXH3-64 of (logId, segId, epoch, baseOffset).</summary>
    public static ulong Start(LogId log, SegmentId segment, LogEpoch epoch, Offset baseOffset)
    {
        Span<byte> identity = stackalloc byte[4 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(identity, log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(identity[8..], segment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(identity[16..], epoch.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(identity[24..], baseOffset.Value);
        return XxHash3.HashToUInt64(identity);
    }

    /// <summary>The chain after one more entry.</summary>
    // hot path: no allocation
    public static ulong Next(ulong chain, uint entryCrc)
    {
        Span<byte> link = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(link, chain);
        BinaryPrimitives.WriteUInt32LittleEndian(link[8..], entryCrc);
        return XxHash3.HashToUInt64(link);
    }
}
