namespace Woodpecker.Format.Journals;

/// <summary>What a store knows of a segment, beyond what the flags cannot say.</summary>
[Flags]
public enum SegmentCopyState : byte
{
    /// <summary>Open.</summary>
    None = 0,

    /// <summary>Sealed: <see cref="CheckpointSegment.SealedLast"/> holds.</summary>
    Sealed = 1 << 0,

    /// <summary>Met bytes that contradict its own (R3): refused and kept for the operator (R13).</summary>
    Poisoned = 1 << 1,
}

/// <summary>One live segment in a checkpoint.</summary>
public sealed record CheckpointSegment
{
    internal const int SmallestSize = (9 * 8) + 1 + (2 * 4) + 1;

    private const int MaxDamage = 100_000;

    /// <summary>The log.</summary>
    public required LogId Log { get; init; }

    /// <summary>The segment.</summary>
    public required SegmentId Segment { get; init; }

    /// <summary>Its writing epoch.</summary>
    public required LogEpoch Epoch { get; init; }

    /// <summary>Offset of its first entry.</summary>
    public required Offset BaseOffset { get; init; }

    /// <summary>Flags.</summary>
    public SegmentCopyState State { get; init; }

    /// <summary>Generation of this store that the segment's ensemble names (R10).</summary>
    public uint NamedGeneration { get; init; }

    /// <summary>CRC32C of the segment header's bytes: tells a repeated SegmentOpen from a contradiction.</summary>
    public uint HeaderCrc { get; init; }

    /// <summary>End of the contiguous prefix held.</summary>
    public EntryId DurableLast { get; init; } = EntryId.None;

    /// <summary>Chain at <see cref="DurableLast"/>.</summary>
    public ulong Chain { get; init; }

    /// <summary>Highest LAC heard.</summary>
    public EntryId Lac { get; init; } = EntryId.None;

    /// <summary>The sealed end; meaningful if sealed.</summary>
    public EntryId SealedLast { get; init; } = EntryId.None;

    /// <summary>Chain at the sealed end; meaningful if sealed.</summary>
    public ulong SealedChain { get; init; }

    /// <summary>Entry ranges known to be unreadable here.</summary>
    public IReadOnlyList<DamagedRange> Damage { get; init; } = [];

    internal long MaxSize => SmallestSize + Varint.MaxSize + (16L * Damage.Count);

    internal void Write(ref SpanWriter writer)
    {
        writer.WriteUInt64(Log.Value);
        writer.WriteUInt64(Segment.Value);
        writer.WriteUInt64(Epoch.Value);
        writer.WriteUInt64(BaseOffset.Value);
        writer.WriteByte((byte)State);
        writer.WriteUInt32(NamedGeneration);
        writer.WriteUInt32(HeaderCrc);
        writer.WriteInt64(DurableLast.Value);
        writer.WriteUInt64(Chain);
        writer.WriteInt64(Lac.Value);
        writer.WriteInt64(SealedLast.Value);
        writer.WriteUInt64(SealedChain);
        writer.WriteVarint((ulong)Damage.Count);
        foreach (var range in Damage)
        {
            writer.WriteInt64(range.First.Value);
            writer.WriteInt64(range.Last.Value);
        }
    }

    internal static bool TryRead(ref SpanReader reader, out CheckpointSegment segment)
    {
        segment = null!;
        if (!reader.TryReadUInt64(out var log) || !reader.TryReadUInt64(out var id) || !reader.TryReadUInt64(out var epoch)
            || !reader.TryReadUInt64(out var baseOffset) || baseOffset > Limits.MaxOffset
            || !reader.TryReadByte(out var state) || state > (byte)(SegmentCopyState.Sealed | SegmentCopyState.Poisoned)
            || !reader.TryReadUInt32(out var generation) || !reader.TryReadUInt32(out var headerCrc)
            || !reader.TryReadEntryId(out var last) || !reader.TryReadUInt64(out var chain)
            || !reader.TryReadEntryId(out var lac) || !reader.TryReadEntryId(out var sealedLast)
            || !reader.TryReadUInt64(out var sealedChain) || !TryReadDamage(ref reader, out var damage))
        {
            return false;
        }

        segment = new CheckpointSegment
        {
            Log = new LogId(log),
            Segment = new SegmentId(id),
            Epoch = new LogEpoch(epoch),
            BaseOffset = new Offset(baseOffset),
            State = (SegmentCopyState)state,
            NamedGeneration = generation,
            HeaderCrc = headerCrc,
            DurableLast = last,
            Chain = chain,
            Lac = lac,
            SealedLast = sealedLast,
            SealedChain = sealedChain,
            Damage = damage,
        };
        return true;
    }

    private static bool TryReadDamage(ref SpanReader reader, out DamagedRange[] damage)
    {
        damage = [];
        if (!reader.TryReadCount(MaxDamage, 16, out var count))
            return false;
        damage = new DamagedRange[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadEntryId(out var first) || !reader.TryReadEntryId(out var last))
                return false;
            damage[i] = new DamagedRange(first, last);
        }

        return true;
    }
}

/// <summary>Entries whose records were unreadable, both ends included.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
public readonly record struct DamagedRange(EntryId First, EntryId Last);
