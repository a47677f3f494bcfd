using System.Buffers.Binary;
using System.Text;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format;

/// <summary>Writes variable-length parts one after the other; the caller measured the room before.</summary>
internal ref struct SpanWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written so far.</summary>
    public int Position { get; private set; }

    public static int SizeOfText(string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        return Varint.SizeOf((ulong)bytes) + bytes;
    }

    public void WriteByte(byte value) => _destination[Position++] = value;

    public void WriteVarint(ulong value) => Position += Varint.Write(_destination[Position..], value);

    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_destination[Position..], value);
        Position += sizeof(uint);
    }

    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_destination[Position..], value);
        Position += sizeof(ulong);
    }

    public void WriteInt64(long value) => WriteUInt64((ulong)value);

    public void WriteId(Guid id)
    {
        EntryHeader.WriteId(_destination[Position..], id);
        Position += 16;
    }

    public void WriteText(string text)
    {
        WriteVarint((ulong)Encoding.UTF8.GetByteCount(text));
        Position += Encoding.UTF8.GetBytes(text, _destination[Position..]);
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Position..]);
        Position += bytes.Length;
    }
}
