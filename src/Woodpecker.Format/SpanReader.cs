using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format;

/// <summary>Reads variable-length parts one after the other; every length is checked before anything is made from it.</summary>
internal ref struct SpanReader(ReadOnlySpan<byte> source)
{
    private int _at;

    /// <summary>The whole source.</summary>
    public ReadOnlySpan<byte> Source { get; } = source;

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _at;

    public readonly bool IsAtEnd => _at == Source.Length;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_at >= Source.Length)
            return false;
        value = Source[_at++];
        return true;
    }

    public bool TryReadVarint(ulong max, out ulong value) => Varint.TryRead(Source, ref _at, out value) && value <= max;

    /// <summary>A count of things of which each takes at least <paramref name="smallest"/> bytes.</summary>
    public bool TryReadCount(int max, int smallest, out int count)
    {
        count = 0;
        if (!TryReadVarint((ulong)max, out var value) || value * (ulong)smallest > (ulong)(Source.Length - _at))
            return false;
        count = (int)value;
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        value = 0;
        if (Source.Length - _at < sizeof(uint))
            return false;
        value = BinaryPrimitives.ReadUInt32LittleEndian(Source[_at..]);
        _at += sizeof(uint);
        return true;
    }

    public bool TryReadUInt64(out ulong value)
    {
        value = 0;
        if (Source.Length - _at < sizeof(ulong))
            return false;
        value = BinaryPrimitives.ReadUInt64LittleEndian(Source[_at..]);
        _at += sizeof(ulong);
        return true;
    }

    public bool TryReadInt64(out long value)
    {
        var isThere = TryReadUInt64(out var unsigned);
        value = (long)unsigned;
        return isThere;
    }

    /// <summary>An entry number, or -1.</summary>
    public bool TryReadEntryId(out EntryId value)
    {
        var isThere = TryReadInt64(out var number);
        value = new EntryId(number);
        return isThere && number >= EntryId.None.Value;
    }

    public bool TryReadId(out Guid value)
    {
        value = default;
        if (Source.Length - _at < 16)
            return false;
        value = EntryHeader.ReadId(Source[_at..]);
        _at += 16;
        return true;
    }

    public bool TryReadText(int maxBytes, out string text)
    {
        text = "";
        if (!TryReadVarint((ulong)maxBytes, out var length) || length > (ulong)(Source.Length - _at))
            return false;
        var bytes = Source.Slice(_at, (int)length);
        if (!Utf8.IsValid(bytes))
            return false;
        text = Encoding.UTF8.GetString(bytes);
        _at += (int)length;
        return true;
    }

    public bool TryReadBytes(int length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length < 0 || length > Source.Length - _at)
            return false;
        bytes = Source.Slice(_at, length);
        _at += length;
        return true;
    }
}
