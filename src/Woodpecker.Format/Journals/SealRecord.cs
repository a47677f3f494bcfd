using System.Buffers.Binary;

namespace Woodpecker.Format.Journals;

/// <summary>Body of a Seal record: logId, segId, epoch (u64 each), lastEntry i64, chain u64. Entries above are dead (R7).</summary>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Epoch">Epoch of whoever sealed.</param>
/// <param name="LastEntry">The segment's last entry; -1 if it is empty.</param>
/// <param name="Chain">Chain at the last entry.</param>
public readonly record struct SealRecord(LogId Log, SegmentId Segment, LogEpoch Epoch, EntryId LastEntry, ulong Chain)
{
    /// <summary>Size of the body, in bytes.</summary>
    public const int Size = 40;

    internal const int LogAt = 0;
    internal const int SegmentAt = 8;
    internal const int EpochAt = 16;
    internal const int LastEntryAt = 24;
    internal const int ChainAt = 32;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SegmentAt..], Segment.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EpochAt..], Epoch.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[LastEntryAt..], LastEntry.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChainAt..], Chain);
    }

    /// <summary>Reads a body.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out SealRecord record)
    {
        record = default;
        if (source.Length != Size)
            return ReadStatus.Corrupt("seal record length", 0);
        var last = BinaryPrimitives.ReadInt64LittleEndian(source[LastEntryAt..]);
        if (last < EntryId.None.Value)
            return ReadStatus.Corrupt("seal record last entry", LastEntryAt);
        record = new SealRecord(
            new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
            new SegmentId(BinaryPrimitives.ReadUInt64LittleEndian(source[SegmentAt..])),
            new LogEpoch(BinaryPrimitives.ReadUInt64LittleEndian(source[EpochAt..])),
            new EntryId(last),
            BinaryPrimitives.ReadUInt64LittleEndian(source[ChainAt..]));
        return ReadStatus.Ok;
    }
}
