using System.Buffers;

namespace Woodpecker.Testing.Objects;

/// <summary>Cuts an array into a sequence of several buffers.</summary>
public static class Pieces
{
    public static ReadOnlySequence<byte> Of(byte[] content, int size)
    {
        if (content.Length <= size)
            return new ReadOnlySequence<byte>(content);
        var first = new Piece(content.AsMemory(0, size), 0);
        var last = first;
        for (var position = size; position < content.Length; position += size)
            last = last.Append(content.AsMemory(position, Math.Min(size, content.Length - position)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
