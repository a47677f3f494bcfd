namespace Woodpecker.Replicas;

/// <summary>What this replica holds of one segment. Changed only by <see cref="ReplicaCore"/>.</summary>
/// <remarks>Threads: one.</remarks>
public sealed class SegmentCopy
{
    private readonly List<ChainMark> _marks = [];

    /// <summary>Makes the copy of a segment whose header is held.</summary>
    public SegmentCopy(in SegmentOpenFacts header)
    {
        Key = header.Key;
        Epoch = header.Epoch;
        BaseOffset = header.BaseOffset;
        StartChain = header.StartChain;
        NamedGeneration = header.NamedGeneration;
        HeaderChecksum = header.HeaderChecksum;
    }

    /// <summary>The segment.</summary>
    public SegmentKey Key { get; }

    /// <summary>Its writing epoch.</summary>
    public LogEpoch Epoch { get; }

    /// <summary>Offset of its first entry.</summary>
    public Offset BaseOffset { get; }

    /// <summary>chain(-1).</summary>
    public ulong StartChain { get; }

    /// <summary>The generation of this store that its ensemble names.</summary>
    public uint NamedGeneration { get; }

    /// <summary>Checksum of its header's bytes.</summary>
    public uint HeaderChecksum { get; }

    /// <summary>Last entry accepted, durable or queued; the end of the contiguous prefix.</summary>
    public EntryId AcceptedEntry { get; internal set; } = EntryId.None;

    /// <summary>Last entry known to be durable (R4).</summary>
    public EntryId DurableEntry { get; internal set; } = EntryId.None;

    /// <summary>Highest LAC heard of (R8).</summary>
    public EntryId ConfirmedEntry { get; internal set; } = EntryId.None;

    /// <summary>The sealed end, once known.</summary>
    public EntryId? SealedEntry { get; internal set; }

    /// <summary>Chain at the sealed end.</summary>
    public ulong SealedChain { get; internal set; }

    /// <summary>Whether a contradiction was met: nothing more is accepted and bytes stay for the operator (R13).</summary>
    public bool IsPoisoned { get; internal set; }

    /// <summary>Whether entries inside the prefix once held are known to be unreadable (R11).</summary>
    public bool IsDamaged { get; internal set; }

    /// <summary>Whether the header's record is unreadable: a recoverer may bring it again (INV-17).</summary>
    public bool IsHeaderLost { get; internal set; }

    /// <summary>Whether the copy ends below the sealed end.</summary>
    public bool IsShort => SealedEntry is { } last && DurableEntry < last;

    /// <summary>Highest entry a reader may see here: never past the LAC, the durable end or the seal (V1).</summary>
    public EntryId VisibleEntry => SealedEntry is { } last
        ? EntryId.Min(last, DurableEntry)
        : Mutation.Is(KnownMistake.VisibleIsDurable) ? DurableEntry : EntryId.Min(ConfirmedEntry, DurableEntry);

    /// <summary>Chain at the last accepted entry.</summary>
    public ulong AcceptedChain => _marks.Count == 0 ? StartChain : _marks[^1].Chain;

    /// <summary>Ends of the frames held, in order: the only places where the chain is known.</summary>
    public IReadOnlyList<ChainMark> Marks => _marks;

    /// <summary>The chain at an entry, if a frame ends there (or at "none").</summary>
    public bool TryGetChain(EntryId entry, out ulong chain)
    {
        chain = StartChain;
        if (entry.IsNone)
            return true;
        var (low, high) = (0, _marks.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var mark = _marks[middle];
            if (mark.Entry == entry)
            {
                chain = mark.Chain;
                return true;
            }

            (low, high) = mark.Entry < entry ? (middle + 1, high) : (low, middle - 1);
        }

        return false;
    }

    internal void Accept(EntryId last, ulong chain)
    {
        _marks.Add(new ChainMark(last, chain));
        AcceptedEntry = last;
    }

    /// <summary>Removes what lies above the sealed end (R7).</summary>
    internal void CutAbove(EntryId last)
    {
        while (_marks.Count > 0 && _marks[^1].Entry > last)
            _marks.RemoveAt(_marks.Count - 1);
        AcceptedEntry = EntryId.Min(AcceptedEntry, last);
        DurableEntry = EntryId.Min(DurableEntry, last);
        ConfirmedEntry = EntryId.Min(ConfirmedEntry, last);
    }
}

/// <summary>The chain hash at the end of a frame.</summary>
/// <param name="Entry">Last entry of the frame.</param>
/// <param name="Chain">Chain hash at it.</param>
public readonly record struct ChainMark(EntryId Entry, ulong Chain);
