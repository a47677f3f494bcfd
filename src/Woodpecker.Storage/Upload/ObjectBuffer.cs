using System.Buffers;
using System.IO.Hashing;

namespace Woodpecker.Storage.Upload;

/// <summary>Collects the bytes of one object in chunks that are used again for the next one: memory of a job stays bounded.</summary>
internal sealed class ObjectBuffer
{
    private const int ChunkSize = 4 * 1024 * 1024;

    private readonly List<(byte[] Bytes, int Length)> _chunks = [];
    private int _used;

    /// <summary>Bytes collected.</summary>
    public long Length { get; private set; }

    /// <summary>A place for up to <paramref name="size"/> bytes; <see cref="Commit"/> says how many were written.</summary>
    public Span<byte> Reserve(int size)
    {
        while (_used < _chunks.Count && _chunks[_used].Bytes.Length - _chunks[_used].Length < size)
            _used++;
        if (_used == _chunks.Count)
            _chunks.Add((new byte[Math.Max(size, ChunkSize)], 0));
        return _chunks[_used].Bytes.AsSpan(_chunks[_used].Length, size);
    }

    /// <summary>Keeps the first bytes of the reserved place.</summary>
    public void Commit(int length)
    {
        _chunks[_used] = (_chunks[_used].Bytes, _chunks[_used].Length + length);
        Length += length;
    }

    /// <summary>The bytes in order; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySequence<byte> ToSequence()
    {
        Part? first = null;
        Part? last = null;
        foreach (var (bytes, length) in _chunks)
        {
            if (length == 0)
                continue;
            var memory = bytes.AsMemory(0, length);
            last = last is null ? new Part(memory, 0) : last.Append(memory);
            first ??= last;
        }

        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>XXH128 of the bytes, 32 hex digits.</summary>
    public static string Hash(in ReadOnlySequence<byte> bytes)
    {
        var hash = new XxHash128();
        foreach (var part in bytes)
            hash.Append(part.Span);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>Begins the next object in the same memory.</summary>
    public void Clear()
    {
        for (var i = 0; i < _chunks.Count; i++)
            _chunks[i] = (_chunks[i].Bytes, 0);
        _used = 0;
        Length = 0;
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long runningIndex) => (Memory, RunningIndex) = (memory, runningIndex);

        public Part Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Part(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
