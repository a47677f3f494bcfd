using System.Buffers;
using Woodpecker.Format;
using Woodpecker.Format.Entries;

namespace Woodpecker.Storage.Writing;

/// <summary>An encoded frame on its way, shared by everyone who still sends or may have to send it again.</summary>
/// <remarks>
/// Ownership: counted references; the bytes go back to the pool when the last one is released. Whoever hands the frame
///            on
///            adds a reference for the receiver first.
/// Threads:   references may be added and released by any thread; the bytes never change.
/// </remarks>
public sealed class OutgoingFrame
{
    private byte[]? _array;
    private int _references = 1;

    private OutgoingFrame(byte[] array, in FrameHeader header, long maxTimestamp)
    {
        _array = array;
        Header = header;
        MaxTimestamp = maxTimestamp;
    }

    /// <summary>The frame's header, decoded.</summary>
    public FrameHeader Header { get; }

    /// <summary>Timestamp of the last entry; timestamps do not decrease.</summary>
    public long MaxTimestamp { get; }

    /// <summary>W3C traceparent of the first traced append in the frame; null if none is traced.</summary>
    public string? TraceParent { get; internal set; }

    /// <summary>Number of the first entry.</summary>
    public EntryId FirstEntry => Header.FirstEntry;

    /// <summary>Number of the last entry.</summary>
    public EntryId LastEntry => Header.LastEntry;

    /// <summary>Size of the frame, in bytes.</summary>
    public int Length => Header.FrameLength;

    /// <summary>Header and body; valid while a reference is held.</summary>
    public ReadOnlyMemory<byte> Bytes => (_array ?? throw Gone()).AsMemory(0, Length);

    /// <summary>The body alone; valid while a reference is held.</summary>
    public ReadOnlyMemory<byte> Body => Bytes[FrameHeader.Size..];

    /// <summary>Encodes a frame into pooled memory.</summary>
    internal static OutgoingFrame Encode(FrameWriter writer, in FrameStart start, ReadOnlySpan<EntryToWrite> entries)
    {
        var array = ArrayPool<byte>.Shared.Rent(FrameWriter.MaxSize(entries));
        writer.Write(start, entries, array);
        return Adopt(array, entries[^1].Timestamp);
    }

    /// <summary>
    /// The same entries as part of the next segment (section 10): the body stays byte for byte, since entry checksums
    /// are
    /// bound to offsets, which do not change; only the header is made anew.
    /// </summary>
    internal OutgoingFrame MoveTo(in FrameStart start)
    {
        Invariant.Check(start.FirstOffset == Header.FirstOffset, "INV-34");
        var chain = start.ChainBefore;
        Invariant.Check(FrameReader.Open(Bytes.Span, out var reader).IsOk, "W2");
        while (reader.MoveNext())
            chain = ChainHash.Next(chain, reader.Current.EntryCrc);
        Invariant.Check(reader.Status.Kind == ReadStatusKind.CleanEnd, "W2");
        var header = Header with
        {
            Segment = start.Segment,
            Epoch = start.Epoch,
            FirstEntry = start.FirstEntry,
            Lac = start.Lac,
            ChainBefore = start.ChainBefore,
            ChainAfter = chain,
        };
        var array = ArrayPool<byte>.Shared.Rent(Length);
        header.Write(array);
        Body.Span.CopyTo(array.AsSpan(FrameHeader.Size));
        return new OutgoingFrame(array, header, MaxTimestamp);
    }

    /// <summary>Adds a holder.</summary>
    public void AddReference() =>
        Invariant.Check(Interlocked.Increment(ref _references) > 1, "frame: used after release");

    /// <summary>Removes a holder.</summary>
    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Check(left >= 0, "frame: released twice");
        if (left == 0)
            ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _array, null)!);
    }

    /// <summary>Whether the bytes are still those that were encoded: the check before every hand-over (W2).</summary>
    public bool IsIntact() => Crc32C.Compute(Body.Span) == Header.BodyCrc;

    private static OutgoingFrame Adopt(byte[] array, long maxTimestamp)
    {
        var status = FrameHeader.Read(array, out var header);
        Invariant.Check(status.IsOk, "W2");
        return new OutgoingFrame(array, header, maxTimestamp);
    }

    private static InvariantViolationException Gone() => new("frame: used after release");
}
