using Woodpecker.Format.Journals;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Storage.Replicas;

/// <summary>
/// The state of a replica: decisions, segments, and the journal that makes decisions durable in the order in which they
/// were made. Journal order = decision order = durability order.
/// </summary>
/// <remarks>Threads: everything under <see cref="Gate"/>; the journal's thread takes it once per group.</remarks>
internal sealed class ReplicaShard(ReplicaCore core, Dictionary<SegmentKey, StoredSegment> segments) : IJournalOwner
{
    // Used by the journal's thread alone.
    private readonly List<StoredSegment> _marked = [];
    private readonly List<DurableWait> _done = [];
    private readonly HashSet<DurableWait> _waits = [];

    /// <summary>Serialises decisions.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The decisions.</summary>
    public ReplicaCore Core { get; } = core;

    /// <summary>Segments held.</summary>
    public Dictionary<SegmentKey, StoredSegment> Segments { get; } = segments;

    /// <summary>The journal; set before the first message.</summary>
    public SharedJournal Journal { get; set; } = null!;

    /// <summary>Registers a wait, so that a failure of the journal ends it.</summary>
    public DurableWait NewWait()
    {
        var wait = new DurableWait();
        _waits.Add(wait);
        return wait;
    }

    /// <inheritdoc/>
    public void OnDurable(in DurableGroup group)
    {
        lock (Gate)
        {
            foreach (ref readonly var item in group.Items)
            {
                switch (item.Context)
                {
                    case StoredSegment segment:
                        OnDurable(segment, item, group);
                        break;
                    case DurableWait wait:
                        _waits.Remove(wait);
                        _done.Add(wait);
                        if (wait.GivenUpFiles.Count > 0)
                            Journal.Files.ReleaseReferences(wait.GivenUpFiles);
                        break;
                }
            }
        }

        // Waiters and streams hear of it outside the lock.
        foreach (var segment in _marked)
            Notify(segment);
        foreach (var wait in _done)
            wait.TrySetResult();
        _marked.Clear();
        _done.Clear();
    }

    /// <inheritdoc/>
    public void OnFailed(Exception failure)
    {
        DurableWait[] waits;
        lock (Gate)
        {
            waits = [.. _waits];
            _waits.Clear();
            foreach (var segment in Segments.Values)
                segment.Changed();
        }

        foreach (var wait in waits)
            wait.TrySetException(ReplicaErrors.Failed(failure));
    }

    /// <inheritdoc/>
    public Checkpoint MakeCheckpoint(IReadOnlyList<CheckpointFile> files)
    {
        lock (Gate)
        {
            return new Checkpoint
            {
                Promises = [.. Core.Promises.All.Select(promise => new PromiseRecord(promise.Key, promise.Value))],
                Segments = [.. Ordered().Where(segment => segment.IsHeaderDurable || segment.Copy.IsDamaged).Select(Describe)],
                Files = files,
            };
        }
    }

    /// <inheritdoc/>
    public FileIndex MakeIndex(ulong fileSequence)
    {
        lock (Gate)
        {
            var parts = new List<FileIndexSegment>();
            foreach (var segment in Ordered())
            {
                var rows = MakeRows(segment, fileSequence);
                if (rows.Count > 0)
                    parts.Add(new FileIndexSegment(segment.Key.Log, segment.Key.Segment, rows));
            }

            return new FileIndex { FileSequence = fileSequence, Segments = parts };
        }
    }

    private static void Notify(StoredSegment segment)
    {
        var copy = segment.Copy;
        foreach (var sink in segment.Sinks)
            sink.OnDurable(segment.Key, copy.Epoch, copy.DurableEntry);
        segment.IsMarked = false;
    }

    private void OnDurable(StoredSegment segment, in GroupItem item, in DurableGroup group)
    {
        var position = group.BodyPosition(item);
        var isNewFile = false;
        if (item.Type == RecordType.SegmentOpen)
        {
            if (!segment.IsDropped)
                isNewFile = segment.Rows.SetHeader(new FrameLocation(EntryId.None, 0, group.File.Sequence, position, item.BodyLength));
        }
        else
        {
            var frame = segment.Dequeue();
            var last = frame.FirstEntry + (frame.Count - 1);
            // A seal may have cut it, or a drop taken the copy, while it was on its way.
            if (segment.IsDropped || last > segment.Copy.AcceptedEntry)
                return;
            position += item.BodyLength - frame.Length;
            isNewFile = segment.Rows.Add(new FrameLocation(frame.FirstEntry, frame.Count, group.File.Sequence, position, frame.Length));
            Core.OnDurable(segment.Key, last);
            segment.Changed();
        }

        if (isNewFile)
            Journal.Files.AddReference(group.File.Sequence);
        if (segment.IsMarked)
            return;
        segment.IsMarked = true;
        _marked.Add(segment);
    }

    private IEnumerable<StoredSegment> Ordered() => Segments.Values.OrderBy(segment => segment.Key);

    private static CheckpointSegment Describe(StoredSegment segment)
    {
        var copy = segment.Copy;
        var hasChain = copy.TryGetChain(copy.DurableEntry, out var chain);
        Invariant.Check(hasChain, "R5: durability moves by whole frames");
        return new CheckpointSegment
        {
            Log = copy.Key.Log,
            Segment = copy.Key.Segment,
            Epoch = copy.Epoch,
            BaseOffset = copy.BaseOffset,
            State = (copy.SealedEntry is null ? 0 : SegmentCopyState.Sealed) | (copy.IsPoisoned ? SegmentCopyState.Poisoned : 0),
            NamedGeneration = copy.NamedGeneration,
            HeaderCrc = copy.HeaderChecksum,
            DurableLast = copy.DurableEntry,
            Chain = chain,
            Lac = copy.ConfirmedEntry,
            SealedLast = copy.SealedEntry ?? EntryId.None,
            SealedChain = copy.SealedChain,
            Damage = DamageOf(copy),
        };
    }

    // The header is entry -1; behind the verified prefix everything is given up.
    private static IReadOnlyList<DamagedRange> DamageOf(SegmentCopy copy)
    {
        if (!copy.IsDamaged)
            return [];
        var behind = new DamagedRange(copy.DurableEntry + 1, copy.DurableEntry + 1);
        return copy.IsHeaderLost ? [new DamagedRange(EntryId.None, EntryId.None), behind] : [behind];
    }

    private static List<FileIndexRow> MakeRows(StoredSegment segment, ulong fileSequence)
    {
        var rows = new List<FileIndexRow>();
        if (segment.Rows.Header is { } header && header.FileSequence == fileSequence)
            rows.Add(new FileIndexRow(EntryId.None, 0, header.Length, header.Position, segment.Copy.HeaderChecksum));
        var (first, end) = segment.Rows.RangeOf(fileSequence);
        for (var i = first; i < end; i++)
        {
            var row = segment.Rows[i];
            var hasChain = segment.Copy.TryGetChain(row.LastEntry, out var chain);
            Invariant.Check(hasChain, "J11: every frame has a mark");
            rows.Add(new FileIndexRow(row.FirstEntry, row.Count, row.Length, row.Position, chain));
        }

        return rows;
    }
}
