using Woodpecker.Format;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Journals;
using Woodpecker.Format.Objects;
using Woodpecker.Replicas;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Storage.Replicas;

/// <summary>Rebuilds the state of a replica out of its journal.</summary>
internal sealed class ReplicaBoot(ReplicaCore core) : IJournalReplay
{
    private readonly HashSet<SegmentKey> _short = [];
    private Checkpoint? _checkpoint;

    /// <summary>The segments found.</summary>
    public Dictionary<SegmentKey, StoredSegment> Segments { get; } = [];

    /// <summary>Segments that the checkpoint held completely and of which bytes are missing now (R10).</summary>
    public int ShortCount => _short.Count(Segments.ContainsKey);

    /// <inheritdoc/>
    public void OnCheckpoint(Checkpoint checkpoint)
    {
        _checkpoint = checkpoint;
        foreach (var promise in checkpoint.Promises)
            core.Promises.Raise(promise.Log, promise.Epoch);
        foreach (var segment in checkpoint.Segments)
        {
            Add(new SegmentOpenFacts(
                new SegmentKey(segment.Log, segment.Segment),
                segment.Epoch,
                segment.BaseOffset,
                ChainHash.Start(segment.Log, segment.Segment, segment.Epoch, segment.BaseOffset),
                segment.NamedGeneration,
                segment.HeaderCrc));
        }
    }

    /// <inheritdoc/>
    public void OnIndex(FileIndex index)
    {
        foreach (var part in index.Segments)
        {
            var key = new SegmentKey(part.Log, part.Segment);
            if (!Segments.TryGetValue(key, out var segment))
                continue;
            foreach (var row in part.Rows)
                OnRow(segment, row, index.FileSequence);
        }
    }

    /// <inheritdoc/>
    public void OnIndexesComplete()
    {
        if (_checkpoint is null)
            return;
        foreach (var segment in _checkpoint.Segments)
        {
            var key = new SegmentKey(segment.Log, segment.Segment);
            var isWhole = Segments[key].IsHeaderDurable && Segments[key].Copy.AcceptedEntry >= segment.DurableLast;
            if (!isWhole && segment.Damage.Count == 0)
                _short.Add(key);
            core.RestoreState(key, new CopyState(
                segment.DurableLast,
                segment.Lac,
                segment.State.HasFlag(SegmentCopyState.Sealed) ? segment.SealedLast : null,
                segment.SealedChain,
                segment.State.HasFlag(SegmentCopyState.Poisoned),
                segment.Damage.Count > 0));
            // An index that was built again names frames that a seal or known damage had cut off.
            Segments[key].Rows.CutAbove(Segments[key].Copy.AcceptedEntry);
            if (segment.Damage.Any(range => range.First.IsNone))
                Segments[key].Rows.ForgetHeader();
            // Frames held but no header: it cannot be handed out, and that is damage (R11).
            if (!Segments[key].IsHeaderDurable)
                core.MarkHeaderLost(key);
        }
    }

    /// <inheritdoc/>
    public void OnRecord(RecordType type, ReadOnlySpan<byte> body, ulong fileSequence, long bodyPosition)
    {
        switch (type)
        {
            case RecordType.Promise when PromiseRecord.Read(body, out var promise).IsOk:
                core.Promises.Raise(promise.Log, promise.Epoch);
                break;
            case RecordType.SegmentOpen:
                OnHeader(body, fileSequence, bodyPosition);
                break;
            case RecordType.Batch:
                OnFrame(body, fileSequence, bodyPosition);
                break;
            case RecordType.RecoveryBatch:
                OnFrame(body[RecordHeader.RecoveryPrefixSize..], fileSequence, bodyPosition + RecordHeader.RecoveryPrefixSize);
                break;
            case RecordType.Seal when SealRecord.Read(body, out var seal).IsOk:
                OnSeal(seal);
                break;
            case RecordType.Drop when DropRecord.Read(body, out var drop).IsOk:
                var key = new SegmentKey(drop.Log, drop.Segment);
                core.Drop(key);
                Segments.Remove(key);
                break;
        }
    }

    /// <summary>What a header says to this store.</summary>
    public static SegmentOpenFacts Facts(SegmentHeader header, ReadOnlySpan<byte> encoded, ReplicaId self)
    {
        // A recoverer may bring the header to a store whose incarnation it does not name; no append is ever taken for it.
        var named = header.Ensemble.FirstOrDefault(member => member.IsSameStore(self));
        return new SegmentOpenFacts(
            header.SegmentKey, header.Epoch, header.BaseOffset, header.InitialChain,
            named.NodeId is null ? uint.MaxValue : named.Generation, Crc32C.Compute(encoded));
    }

    /// <summary>What a verified frame says.</summary>
    public static FrameFacts Facts(in FrameHeader frame) => new(
        frame.SegmentKey, frame.Epoch, frame.FirstEntry, frame.Count, frame.FirstOffset, frame.ChainBefore, frame.ChainAfter,
        frame.Lac);

    private StoredSegment Add(in SegmentOpenFacts facts)
    {
        var segment = new StoredSegment(core.Restore(facts));
        Segments[facts.Key] = segment;
        return segment;
    }

    private void OnRow(StoredSegment segment, in FileIndexRow row, ulong fileSequence)
    {
        var location = new FrameLocation(row.FirstEntry, row.Count, fileSequence, row.Position, row.Length);
        if (row.Count == 0)
        {
            segment.Rows.SetHeader(location);
            return;
        }

        var copy = segment.Copy;
        // Held frames are never journaled again: a second record means that the first one was given up as unreadable (R11).
        if (row.FirstEntry <= copy.AcceptedEntry && copy.TryGetChain(row.FirstEntry + -1, out _))
        {
            core.MarkDamaged(copy.Key, row.FirstEntry);
            segment.Rows.CutAbove(row.FirstEntry + -1);
        }

        var isNext = core.RestoreFrame(new FrameFacts(
            copy.Key, copy.Epoch, row.FirstEntry, row.Count, copy.BaseOffset + row.FirstEntry.Value, copy.AcceptedChain,
            row.ChainAfter, EntryId.None));
        if (isNext)
            segment.Rows.Add(location);
    }

    private void OnHeader(ReadOnlySpan<byte> body, ulong fileSequence, long bodyPosition)
    {
        if (!SegmentHeader.Read(body, out var header).IsOk)
            return;
        // Its copy may be known from the checkpoint, if a scan found the record again.
        if (!Segments.TryGetValue(header!.SegmentKey, out var segment))
            segment = Add(Facts(header, body, core.Self));
        if (segment.IsHeaderDurable || Crc32C.Compute(body) != segment.Copy.HeaderChecksum)
            return;
        segment.Rows.SetHeader(new FrameLocation(EntryId.None, 0, fileSequence, bodyPosition, body.Length));
        core.RestoreHeader(segment.Key);
    }

    private void OnFrame(ReadOnlySpan<byte> body, ulong fileSequence, long position)
    {
        if (!FrameHeader.Read(body, out var frame).IsOk || !Segments.TryGetValue(frame.SegmentKey, out var segment))
            return;
        if (segment.Copy.SealedEntry is { } last && frame.LastEntry > last)
            return;
        if (core.RestoreFrame(Facts(frame)))
            segment.Rows.Add(new FrameLocation(frame.FirstEntry, frame.Count, fileSequence, position, body.Length));
    }

    private void OnSeal(in SealRecord seal)
    {
        var key = new SegmentKey(seal.Log, seal.Segment);
        core.OnSeal(key, epoch: null, seal.LastEntry, seal.Chain);
        if (Segments.TryGetValue(key, out var segment))
            segment.Rows.CutAbove(seal.LastEntry);
    }
}
