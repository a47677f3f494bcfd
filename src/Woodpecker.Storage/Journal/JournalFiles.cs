using Woodpecker.Format.Journals;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Journal;

/// <summary>The files of a journal: which one is written, when the next begins, which are still needed (J3, J10, J11).</summary>
/// <remarks>
/// Threads: <see cref="BeginGroup"/> on the writer thread; references from the owner; a thread of its own prepares spare
///          files and takes back those that are no longer needed. Lock order: the owner's lock, then the one here.
/// </remarks>
internal sealed class JournalFiles : IDisposable
{
    /// <summary>Number of the next record; the writer thread's.</summary>
    public ulong JournalSequence;

    private const int SmallestIndexRow = 32 + 26;

    private readonly Lock _gate = new();
    private readonly IJournalMedium _medium;
    private readonly JournalOptions _options;
    private readonly IIdSource _ids;
    private readonly TimeProvider _time;
    private readonly SortedDictionary<ulong, JournalFile> _files = [];
    private readonly SpareFiles _spares;
    private readonly Group _scratch;
    private readonly FailureLatch _latch;
    private IJournalLoop? _worker;
    private JournalIdentity _identity;
    private IJournalOwner _owner = null!;
    private JournalFile _current = null!;
    private long _rowsInCurrent;
    private ulong _groupSequence;
    private long _usedBytes;
    private volatile bool _isFull;
    private volatile bool _isOutOfSpace;
    private volatile bool _isStopping;
    private volatile bool _isRollWanted;

    public JournalFiles(IJournalMedium medium, JournalOptions options, IIdSource ids, TimeProvider time, FailureLatch latch)
    {
        _medium = medium;
        _options = options;
        _ids = ids;
        _time = time;
        _latch = latch;
        _spares = new SpareFiles(medium, options);
        _scratch = new Group(JournalOptions.Align(RecordPart.MaxSlice + RecordPart.PrefixSize + RecordHeader.Size) + Limits.JournalAlignment);
    }

    /// <summary>Bytes of the files that hold records.</summary>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    /// <summary>Part of the capacity that holds records, 0 to 1 (U8).</summary>
    public double FillRatio => (double)UsedBytes / _options.Capacity;

    /// <summary>Whether records of data may be added: not once only the reserve is left (R9).</summary>
    public bool AcceptsData
    {
        get
        {
            return !_isFull || _spares.Count > 1 || HasRoomForGroups(3);
        }
    }

    /// <summary>
    /// Whether what a recovery copies may be added (T6): beyond the capacity, too, because ending a segment is what gives room
    /// back, but not out of the reserve of a full disk.
    /// </summary>
    public bool AcceptsRecovery => !_isFull || _spares.Count > (_isOutOfSpace ? 1 : 0);

    /// <summary>
    /// Whether a fence, a seal or a drop may be added: they have the reserve (R9), which is made again beyond the capacity for
    /// as long as the disk has room. When that is gone too, drops, which give room back, go on longest.
    /// </summary>
    public bool AcceptsControl(bool isDrop) => !_isFull || _spares.Count > 0 || HasRoomForGroups(isDrop ? 3 : 4);

    /// <summary>Begins the first file of this process: indexes for files that lack one, then a checkpoint.</summary>
    public void Start(RecoveredJournal recovered, JournalIdentity identity, IJournalOwner owner)
    {
        _identity = identity;
        _owner = owner;
        JournalSequence = recovered.NextJournalSequence;
        _groupSequence = recovered.NextGroupSequence;
        foreach (var file in recovered.Files)
            Add(file);
        _spares.DeleteLeftovers();
        _current = BeginFile(recovered.NextFileSequence);
        // Only now: a crash before this point meets the unreadable files, and with them the reason for R10, again.
        foreach (var name in recovered.UnreadableNames)
            _medium.Rename(name, "dead-" + name);
        _medium.SyncNames();
        _worker = _options.Executor.Start("journal-files", Prepare);
    }

    /// <summary>The file for the next group, which is guaranteed to fit.</summary>
    public JournalFile BeginGroup(int length, ReadOnlySpan<GroupItem> items)
    {
        var isFull = _current.EndPosition + length + IndexReserve(_rowsInCurrent + items.Length) > _current.Size;
        // Without a spare file the room is worth more than a checkpoint.
        if (isFull || (_isRollWanted && _spares.Count > 0))
            Roll(length, items.Length);
        _rowsInCurrent += items.Length;
        return _current;
    }

    /// <summary>Number for the next group.</summary>
    public ulong NextGroupSequence() => _groupSequence++;

    /// <summary>The next group begins a file, whose header and checkpoint say what was learnt: generation and damage (R10, R11).</summary>
    public void RollAtNextGroup(uint generation)
    {
        lock (_gate)
            _identity = _identity with { Generation = Math.Max(generation, _identity.Generation) };
        _isRollWanted = true;
    }

    /// <summary>Counts a segment that has bytes in a file.</summary>
    public void AddReference(ulong fileSequence)
    {
        lock (_gate)
            _files[fileSequence].LiveSegments++;
    }

    /// <summary>A segment gave up its bytes in these files.</summary>
    public void ReleaseReferences(IReadOnlyList<ulong> fileSequences)
    {
        lock (_gate)
        {
            foreach (var sequence in fileSequences)
                _files[sequence].LiveSegments--;
        }

        _worker?.Wake();
    }

    /// <summary>The oldest file that segments still need, if it is not among the newest <paramref name="keep"/> files (J10).</summary>
    public ulong? OldestPinned(int keep)
    {
        lock (_gate)
        {
            if (_files.Count <= keep)
                return null;
            var oldest = _files.Values.FirstOrDefault(file => file.LiveSegments > 0);
            return oldest is null || oldest == _current ? null : oldest.Sequence;
        }
    }

    /// <summary>The open file; null if it was given back.</summary>
    public IJournalFile? Find(ulong sequence)
    {
        lock (_gate)
            return _files.TryGetValue(sequence, out var file) ? file.Handle : null;
    }

    public void Dispose()
    {
        _isStopping = true;
        _worker?.Wake();
        _worker?.Join();
        foreach (var file in _files.Values)
            file.Handle.Dispose();
        _spares.Dispose();
        _scratch.Dispose();
    }

    // Two groups may be on their way already.
    private bool HasRoomForGroups(int groups)
    {
        lock (_gate)
            return _current.EndPosition + (groups * (long)_options.BufferSize) + IndexReserve(_rowsInCurrent) <= _current.Size;
    }

    private void Roll(int length, int records)
    {
        _isRollWanted = false;
        var closing = _current;
        var index = _owner.MakeIndex(closing.Sequence).Encode();
        closing.IndexPosition = WriteContent(closing, RecordType.FileIndex, index);
        closing.IndexFileSequence = closing.Sequence;
        var next = BeginFile(closing.Sequence + 1, length, records);
        lock (_gate)
            _current = next;
        _worker?.Wake();
    }

    private JournalFile BeginFile(ulong sequence, int groupLength = 0, int groupRecords = 0)
    {
        var orphans = new List<(JournalFile File, byte[] Content)>();
        List<CheckpointFile> table;
        lock (_gate)
        {
            foreach (var file in _files.Values)
            {
                if (file.LiveSegments > 0 && file.IndexFileSequence == 0)
                    orphans.Add((file, []));
            }
        }

        var needed = JournalFileHeader.Size + groupLength + IndexReserve(groupRecords);
        for (var i = 0; i < orphans.Count; i++)
        {
            orphans[i] = (orphans[i].File, _owner.MakeIndex(orphans[i].File.Sequence).Encode());
            needed += ContentSize(orphans[i].Content.Length);
        }

        // The table's size does not depend on its values, so a first encoding tells how much room it takes.
        needed += ContentSize(_owner.MakeCheckpoint(MakeTable()).Encode().Length);
        var next = OpenFile(sequence, needed);
        _rowsInCurrent = 0;
        foreach (var (file, content) in orphans)
        {
            file.IndexPosition = WriteContent(next, RecordType.FileIndex, content);
            file.IndexFileSequence = sequence;
        }

        table = MakeTable();
        WriteContent(next, RecordType.Checkpoint, _owner.MakeCheckpoint(table).Encode());
        next.HasCheckpoint = true;
        Add(next);
        return next;
    }

    private void Add(JournalFile file)
    {
        lock (_gate)
            _files.Add(file.Sequence, file);
        Interlocked.Add(ref _usedBytes, file.Size);
    }

    private List<CheckpointFile> MakeTable()
    {
        lock (_gate)
        {
            return
            [
                .. _files.Values.Where(file => file.LiveSegments > 0).Select(file => new CheckpointFile(
                    file.Sequence, file.Nonce, file.EndPosition, file.IndexFileSequence, file.IndexPosition)),
            ];
        }
    }

    private JournalFile OpenFile(ulong sequence, long needed)
    {
        var size = Math.Max(_options.FileSize, JournalOptions.AlignLong(needed));
        // Inline creation keeps the reserve for the day when no file can be made.
        if (_spares.Count < 2 && size == _options.FileSize && !TryCreateSpare(isWritten: false))
            _isFull = true;
        string name;
        IJournalFile handle;
        if (size == _options.FileSize && _spares.Count > 0)
            (name, handle) = _spares.Take();
        else
            (name, handle) = CreateUnplanned(sequence, needed, ref size);

        var nonce = _ids.NewNonce();
        WriteFileHeader(handle, sequence, nonce, size);
        // Named only when its header is durable: a file with a journal's name always has a valid header.
        _medium.Rename(name, JournalNames.Journal(sequence));
        _medium.SyncNames();
        return new JournalFile(sequence, nonce, size, handle) { EndPosition = JournalFileHeader.Size };
    }

    // Larger than others, or beyond the budget because this store must boot to give room back; at worst just large enough.
    private (string Name, IJournalFile Handle) CreateUnplanned(ulong sequence, long needed, ref long size)
    {
        var name = JournalNames.Journal(sequence) + JournalNames.Unnamed;
        var least = JournalOptions.AlignLong(needed + (4L * _options.BufferSize));
        try
        {
            return (name, _medium.Create(name, size));
        }
        catch (DurableIOException e) when (SpareFiles.IsNoSpace(e) && least < size)
        {
            _isFull = true;
            size = least;
            return (name, _medium.Create(name, size));
        }
    }

    private void WriteFileHeader(IJournalFile handle, ulong sequence, ulong nonce, long size)
    {
        using var block = new Buffers.AlignedBuffer(JournalFileHeader.Size);
        JournalIdentity identity;
        lock (_gate)
            identity = _identity;
        new JournalFileHeader
        {
            FileSize = size,
            FileSequence = sequence,
            FileNonce = nonce,
            ClusterId = identity.ClusterId,
            Incarnation = identity.Incarnation,
            Generation = identity.Generation,
            CreatedAt = _time.GetUtcNow().ToUnixTimeMilliseconds() * 1000,
            ProducedBy = _options.ProducedBy,
        }.Write(block.GetSpan());
        handle.Write(block.GetSpan(), 0);
        handle.Sync();
    }

    // Writes a content in parts, each a group of its own, and syncs; returns where it begins.
    private long WriteContent(JournalFile file, RecordType type, byte[] content)
    {
        var start = file.EndPosition;
        var parts = RecordPart.CountFor(content.Length);
        Span<byte> prefix = stackalloc byte[RecordPart.PrefixSize];
        for (var i = 0; i < parts; i++)
        {
            var part = new RecordPart(i, parts);
            part.Write(prefix);
            _scratch.Clear();
            _scratch.Add(type, prefix, part.SliceOf(content), context: null);
            var bytes = _scratch.Complete(file.Nonce, NextGroupSequence(), ref JournalSequence);
            Invariant.Check(file.EndPosition + bytes.Length <= file.Size, "J10: room was kept for indexes and checkpoints");
            file.Handle.Write(bytes, file.EndPosition);
            file.EndPosition += bytes.Length;
        }

        file.Handle.SyncData();
        return start;
    }

    private static long ContentSize(int length)
    {
        var parts = RecordPart.CountFor(length);
        return length + (parts * (long)(RecordHeader.Size + RecordPart.PrefixSize + RecordHeader.Alignment + Limits.JournalAlignment));
    }

    private static long IndexReserve(long rows) => ContentSize(checked((int)(18 + (rows * SmallestIndexRow))));

    // Beyond the capacity only the reserve is made (R9): files that hold nothing but fences, seals and drops are reclaimed
    // after two newer checkpoints (J10), so few are ever needed; without them nothing could be given back.
    private bool TryCreateSpare(bool isWritten)
    {
        if (_spares.Count > 0 && IsBeyondCapacity(_spares.Count + 1))
            return false;
        var isMade = _spares.TryCreate(isWritten);
        _isOutOfSpace = !isMade;
        return isMade;
    }

    private bool IsBeyondCapacity(int spares) => UsedBytes + (spares * _options.FileSize) > _options.Capacity;

    private JournalTurn Prepare()
    {
        if (_isStopping)
            return JournalTurn.End;
        try
        {
            Reclaim();
            PrepareSpares();
            return _isStopping ? JournalTurn.End : JournalTurn.Wait;
        }
#pragma warning disable CA1031 // A file operation of unknown outcome ends the journal like any other (J5).
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _latch.Trip(failure);
            _owner.OnFailed(failure);
            return JournalTurn.End;
        }
    }

    private void PrepareSpares()
    {
        while (!_isStopping && _spares.Count < _options.SpareFiles)
        {
            if (!TryCreateSpare(isWritten: true))
            {
                _isFull = true;
                return;
            }
        }

        _isFull = IsBeyondCapacity(_spares.Count);
    }

    private void Reclaim()
    {
        var free = TakeFree();
        if (free.Count == 0)
            return;
        foreach (var file in free)
        {
            var name = JournalNames.Journal(file.Sequence);
            if (_spares.Count <= _options.SpareFiles && file.Size == _options.FileSize)
            {
                _spares.Recycle(name, file.Handle);
            }
            else
            {
                file.Handle.Dispose();
                _medium.Delete(name);
            }
        }

        _medium.SyncNames();
    }

    // J10: no live segment has bytes in it, no live file has its index in it, two newer checkpoints are durable.
    private List<JournalFile> TakeFree()
    {
        lock (_gate)
        {
            var indexHolders = _files.Values.Where(file => file.LiveSegments > 0).Select(file => file.IndexFileSequence).ToHashSet();
            var checkpoints = _files.Values.Where(file => file.HasCheckpoint).Select(file => file.Sequence).Order().ToArray();
            if (checkpoints.Length < 2)
                return [];
            var keepFrom = checkpoints[^2];
            var free = _files.Values
                .Where(file => (file.LiveSegments == 0 || Mutation.Is(KnownMistake.LiveFileReclaimed)) && file.Sequence < keepFrom && !indexHolders.Contains(file.Sequence))
                .ToList();
            foreach (var file in free)
            {
                _files.Remove(file.Sequence);
                Interlocked.Add(ref _usedBytes, -file.Size);
            }

            return free;
        }
    }
}
