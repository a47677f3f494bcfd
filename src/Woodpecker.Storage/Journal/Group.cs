using Woodpecker.Format.Journals;
using Woodpecker.Storage.Buffers;

namespace Woodpecker.Storage.Journal;

/// <summary>Records that will be made durable by one sync, laid out as they will stand in the file.</summary>
/// <remarks>Threads: filled under the lock of <see cref="GroupCommit"/>, then owned by the writer thread.</remarks>
internal sealed class Group(int bufferSize) : IDisposable
{
    private readonly AlignedBuffer _buffer = new(bufferSize);
    private GroupItem[] _items = new GroupItem[64];

    /// <summary>Bytes used.</summary>
    public int Length { get; private set; }

    /// <summary>Records in it.</summary>
    public int Count { get; private set; }

    /// <summary>The records.</summary>
    public ReadOnlySpan<GroupItem> Items => _items.AsSpan(0, Count);

    /// <summary>Bytes that the group will take in the file.</summary>
    public int PaddedLength => JournalOptions.Align(Length);

    /// <summary>Whether a record with such a body fits.</summary>
    public bool HasRoomFor(int bodyLength, in JournalOptions options)
    {
        if (Count == 0)
            return RecordHeader.LengthOf(bodyLength) <= _buffer.Length;
        // One more than asked for, because a promise may have to stand before a record (R2).
        return Count + 1 < options.MaxGroupRecords && Length + RecordHeader.LengthOf(bodyLength) <= options.GroupSize;
    }

    /// <summary>Copies a record in; its header is written when the group knows its file.</summary>
    public void Add(RecordType type, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, object? context)
    {
        var bodyLength = prefix.Length + body.Length;
        var record = _buffer.GetSpan().Slice(Length, (int)RecordHeader.LengthOf(bodyLength));
        prefix.CopyTo(record[RecordHeader.Size..]);
        body.CopyTo(record[(RecordHeader.Size + prefix.Length)..]);
        record[(RecordHeader.Size + bodyLength)..].Clear();
        if (Count == _items.Length)
            Array.Resize(ref _items, 2 * _items.Length);
        _items[Count++] = new GroupItem(type, Length, bodyLength, context);
        Length += record.Length;
    }

    /// <summary>Writes all headers and the padding; the result is what goes into the file (J2).</summary>
    public ReadOnlySpan<byte> Complete(ulong nonce, ulong groupSequence, ref ulong journalSequence)
    {
        var bytes = _buffer.GetSpan()[..PaddedLength];
        foreach (ref readonly var item in Items)
            WriteHeader(bytes, item.Type, item.At, item.BodyLength, nonce, groupSequence, journalSequence++);
        var gap = bytes.Length - Length;
        bytes[Length..].Clear();
        if (gap >= RecordHeader.Size)
            WriteHeader(bytes, RecordType.Pad, Length, gap - RecordHeader.Size, nonce, groupSequence, journalSequence++);
        return bytes;
    }

    /// <summary>Empties the group for its next use.</summary>
    public void Clear()
    {
        Array.Clear(_items, 0, Count);
        Count = 0;
        Length = 0;
    }

    public void Dispose() => ((IDisposable)_buffer).Dispose();

    private static void WriteHeader(
        Span<byte> bytes, RecordType type, int at, int bodyLength, ulong nonce, ulong groupSequence, ulong journalSequence)
    {
        var body = bytes.Slice(at + RecordHeader.Size, bodyLength);
        var header = new RecordHeader
        {
            Type = type,
            BodyLength = bodyLength,
            JournalSequence = journalSequence,
            FileNonce = nonce,
            GroupSequence = groupSequence,
            BodyCrc = RecordHeader.ComputeBodyCrc(type, body),
        };
        header.Write(bytes[at..]);
    }
}
