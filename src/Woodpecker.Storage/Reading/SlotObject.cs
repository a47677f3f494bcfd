using Woodpecker.Format;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Cache;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// One slot of a MemoryBuffer segment, verified: slot 0 is a header block and a data block, others are one block.
/// </summary>
/// <param name="Header">The encoded segment header, in slot 0 only.</param>
/// <param name="Data">The entries; null in a fence.</param>
/// <param name="IsFence">Whether the slot is a fence.</param>
internal readonly record struct SlotObject(ReadOnlyMemory<byte> Header, CachedBlock? Data, bool IsFence)
{
    /// <summary>Largest slot object, in bytes: two blocks at their limits.</summary>
    public const int MaxSize = Limits.MaxBlockRawSize + Limits.MaxSegmentHeaderSize + (2 * (BlockHeader.MaxSize + BlockTrailer.Size));

    /// <summary>Length of every fence slot; a data slot is longer, since it has entries.</summary>
    public static readonly int FenceSize = Block.SizeOf(0);

    /// <summary>Reads a whole slot object.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, long slot, in BlockOwner owner, out SlotObject result)
    {
        result = default;
        ReadOnlyMemory<byte> header = default;
        var status = ObjectReaderBlock.Read(source, owner, out var block, out _);
        if (status.IsOk && block!.Header.IsSegmentHeader)
        {
            if (slot != 0 || block.Header.Number != 0)
                return ReadStatus.Corrupt("segment header in a later slot", 0);
            header = block.Raw;
            source = source[block.Header.BlockLength..];
            status = ObjectReaderBlock.Read(source, owner, out block, out _);
        }

        if (!status.IsOk)
            return status;
        if (block!.Header.Number != (ulong)slot)
            return ReadStatus.Corrupt("slot number", 0);
        if (source.Length != block.Header.BlockLength)
            return ReadStatus.Corrupt("bytes behind the slot", block.Header.BlockLength);
        if (block.Header.IsFence)
        {
            result = new SlotObject(header, null, IsFence: true);
            return ReadStatus.Ok;
        }

        if (block.Header.IsSegmentHeader || block.Header.Count == 0)
            return ReadStatus.Corrupt("slot without entries", 0);
        if ((block.Header.FirstEntry.Value == 0) != (slot == 0))
            return ReadStatus.Corrupt("slot does not begin where it must", 0);
        result = new SlotObject(header, block, IsFence: false);
        return ReadStatus.Ok;
    }
}
