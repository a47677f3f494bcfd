using System.Buffers;
using Woodpecker.Format;
using Woodpecker.Format.Objects;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// The bytes of one slot: a block around the frame's body, which is not copied; slot 0 begins with the header block.
/// Fence
/// slots are one empty block (B1, B6).
/// </summary>
internal sealed class SlotObjectBuilder(Guid clusterId, SegmentKey segment, LogEpoch epoch, ulong writerNonce)
{
    /// <summary>A slot's object.</summary>
    /// <param name="Prefix">Everything before the body: what tells whose slot it is.</param>
    /// <param name="Content">The whole object; borrows the frame's body.</param>
    /// <param name="Crc32C">Checksum of the whole object.</param>
    public sealed record SlotContent(ReadOnlyMemory<byte> Prefix, ReadOnlySequence<byte> Content, uint Crc32C);

    /// <summary>Builds a data slot.</summary>
    /// <param name="slot">Its number.</param>
    /// <param name="frame">The frame whose entries it holds; borrowed as long as the content is used.</param>
    /// <param name="segmentHeader">The encoded segment header, for slot 0.</param>
    public SlotContent BuildData(ulong slot, OutgoingFrame frame, ReadOnlyMemory<byte> segmentHeader)
    {
        var facts = frame.Header;
        var headerBlockSize = slot == 0 ? Block.SizeOf(segmentHeader.Length) : 0;
        var prefix = new byte[headerBlockSize + BlockHeader.Size];
        if (slot == 0)
            WriteHeaderBlock(prefix, segmentHeader.Span, facts.FirstOffset, facts.ChainBefore);
        var header = Header(slot) with
        {
            FirstEntry = facts.FirstEntry,
            FirstOffset = facts.FirstOffset,
            Count = facts.Count,
            RawLength = facts.BodyLength,
            StoredLength = facts.BodyLength,
            BaseTimestamp = facts.BaseTimestamp,
            MaxTimestamp = frame.MaxTimestamp,
            ChainBefore = facts.ChainBefore,
            ChainAfter = facts.ChainAfter,
        };
        header.Write(prefix.AsSpan(headerBlockSize));
        var trailer = new byte[BlockTrailer.Size];
        // Stored as it is: the body's checksum was made with the frame and is verified by the store and every reader.
        new BlockTrailer(facts.BodyCrc, facts.BodyCrc, facts.BodyLength).Write(trailer);
        var crc = Crc32C.Combine(Crc32C.Compute(prefix), facts.BodyCrc, facts.BodyLength);
        return new SlotContent(
            prefix, Join(prefix, frame.Body, trailer), Crc32C.Combine(crc, Crc32C.Compute(trailer), trailer.Length));
    }

    /// <summary>Builds a fence slot; the epoch is the fencing one.</summary>
    public SlotContent BuildFence(ulong slot)
    {
        var block = new byte[Block.SizeOf(0)];
        Block.Write(Header(slot) with { Flags = BlockFlags.Fence }, Crc32C.Compute([]), [], block);
        return new SlotContent(block, new ReadOnlySequence<byte>(block), Crc32C.Compute(block));
    }

    private BlockHeader Header(ulong slot) => new()
    {
        ClusterId = clusterId,
        Log = segment.Log,
        Segment = segment.Segment,
        Epoch = epoch,
        Number = slot,
        WriterNonce = writerNonce,
    };

    private void WriteHeaderBlock(
        Span<byte> destination, ReadOnlySpan<byte> segmentHeader, Offset baseOffset, ulong startChain)
    {
        var header = Header(0) with
        {
            Flags = BlockFlags.SegmentHeader,
            FirstOffset = baseOffset,
            RawLength = segmentHeader.Length,
            ChainBefore = startChain,
            ChainAfter = startChain,
        };
        Block.Write(header, Crc32C.Compute(segmentHeader), segmentHeader, destination);
    }

    private static ReadOnlySequence<byte> Join(
        ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, ReadOnlyMemory<byte> third)
    {
        var head = new Part(first, 0);
        var tail = head.Append(second).Append(third);
        return new ReadOnlySequence<byte>(head, 0, tail, third.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long at) => (Memory, RunningIndex) = (memory, at);

        public Part Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Part(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
