namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Rebuilds a store from its newest checkpoint and the log after it.</summary>
/// <remarks>
/// A torn tail of the last log file is cut: nobody was told about it. Anything else that does not fit refuses to start,
/// naming file and position (<see cref="LogRecord"/> says how the two are told apart).
/// </remarks>
internal sealed class MvccRecovery
{
    private readonly LogDirectory _directory;
    private readonly LeaseTable _leases;
    private long _lastSequence;
    private ulong? _storeId;

    private MvccRecovery(LogDirectory directory, LeaseTable leases)
    {
        _directory = directory;
        _leases = leases;
    }

    /// <summary>The state found.</summary>
    public MvccSnapshot State { get; private set; } = MvccSnapshot.Empty;

    /// <summary>Its history.</summary>
    public RevisionHistory History { get; } = new();

    /// <summary>Identity of the store.</summary>
    public ulong StoreId => _storeId ?? 0;

    /// <summary>Size of the checkpoint it came from, in bytes; 0 if there was none.</summary>
    public long CheckpointSize { get; private set; }

    /// <summary>Reads the directory and opens the log for appending; an empty directory becomes a new store.</summary>
    /// <exception cref="MetadataException">Kind Corrupt: the files are damaged or incomplete.</exception>
    public static MvccRecovery Run(
        LogDirectory directory, LeaseTable leases, LocalMetadataStoreOptions options, out CommitLog log)
    {
        directory.DeleteTemporaries();
        var recovery = new MvccRecovery(directory, leases);
        var checkpoints = directory.Checkpoints();
        var logs = directory.Logs();
        if (checkpoints.Count == 0 && logs.Count == 0)
        {
            recovery._storeId = options.IdSource.NewNonce();
            log = CommitLog.Create(directory, recovery.StoreId, sequence: 1, options.SyncsWrites);
            return recovery;
        }

        if (checkpoints.Count > 0)
            recovery.LoadCheckpoint(checkpoints[^1].Sequence, checkpoints[^1].Path);
        log = recovery.ReplayLogs(logs, options.SyncsWrites);
        leases.RestartClocks();
        return recovery;
    }

    private void LoadCheckpoint(long sequence, string path)
    {
        using var reader = LogFileReader.Open(path, isCheckpoint: true);
        if (reader.Header.Sequence != sequence)
            throw reader.Damage("its name does not belong to its content");
        var keys = new List<KeyVersion>();
        long count = 0, revision = 0, compacted = 0;
        var isRestored = false;
        var isEnded = false;
        while (!isEnded)
        {
            if (!reader.TryRead(out var record) || LogRecord.SequenceOf(record) != count++)
                throw reader.Damage("a record of the checkpoint is missing or broken");
            var kind = LogRecord.KindOf(record);
            var payload = new LogPayloadReader(record[LogRecord.HeaderSize..]);
            // The keys come before the revisions that change them.
            if (!isRestored && kind is LogRecordKind.Transaction or LogRecordKind.CheckpointEnd)
            {
                Restore(keys, compacted);
                isRestored = true;
            }

            switch (kind)
            {
                case LogRecordKind.CheckpointStart:
                    revision = payload.Int64();
                    compacted = payload.Int64();
                    break;
                case LogRecordKind.CheckpointKey:
                    keys.Add(ReadKey(ref payload));
                    break;
                case LogRecordKind.CheckpointEnd:
                    isEnded = payload.Int64() == count - 1 ? true : throw reader.Damage("the checkpoint's count is wrong");
                    break;
                default:
                    Apply(reader, kind, ref payload);
                    break;
            }

            if (!payload.IsComplete)
                throw reader.Damage("a record does not have the fields of its kind");
        }

        if (!reader.IsAtEnd || State.Revision != revision)
            throw reader.Damage("the checkpoint does not lead to its revision");
        _storeId = reader.Header.StoreId;
        _lastSequence = sequence;
        CheckpointSize = reader.Position;
    }

    private void Restore(List<KeyVersion> keys, long compacted)
    {
        State = MvccSnapshot.Restore(keys, Math.Max(compacted, MvccSnapshot.FirstRevision), compacted);
        _leases.Follow(keys);
        History.Forget(compacted);
        // A watch may start at the compacted revision itself.
        var last = keys.Where(k => k.ModRevision == compacted).ToList();
        if (last.Count > 0)
            History.Publish([new RevisionRecord(compacted, last)]);
    }

    private CommitLog ReplayLogs(IReadOnlyList<(long Sequence, string Path)> logs, bool isSynced)
    {
        // Older files may be left of an interrupted clean-up; the checkpoint includes them.
        var first = logs.Count - 1;
        while (first > 0 && logs[first].Sequence > _lastSequence + 1)
            first--;
        if (first < 0 || logs[first].Sequence > _lastSequence + 1)
            throw LogFileReader.Damage(_directory.Path, 0, $"the log file with record {_lastSequence + 1} is missing");

        for (var i = first; i < logs.Count - 1; i++)
        {
            using var reader = OpenLog(logs[i].Sequence, logs[i].Path);
            Replay(reader);
            if (!reader.IsAtEnd || logs[i + 1].Sequence != _lastSequence + 1)
                throw reader.Damage("a record before the end of the log is missing or broken");
        }

        using var last = OpenLog(logs[^1].Sequence, logs[^1].Path);
        Replay(last);
        if (!last.IsAtEnd && last.IsDamageProven(_lastSequence))
            throw last.Damage("a record is broken that was durable before later ones were written");
        return CommitLog.Continue(_directory, last.Header, logs[^1].Path, last.Position, _lastSequence + 1, isSynced);
    }

    private LogFileReader OpenLog(long sequence, string path)
    {
        var reader = LogFileReader.Open(path, isCheckpoint: false);
        _storeId ??= reader.Header.StoreId;
        if (reader.Header.Sequence == sequence && reader.Header.StoreId == _storeId)
            return reader;
        reader.Dispose();
        throw LogFileReader.Damage(path, 0, "the file belongs to another store or place");
    }

    private void Replay(LogFileReader reader)
    {
        var expected = reader.Header.Sequence;
        while (!reader.IsAtEnd && reader.TryRead(out var record))
        {
            if (LogRecord.SequenceOf(record) != expected++)
                throw reader.Damage("a record is out of order");
            if (LogRecord.SequenceOf(record) <= _lastSequence)
                continue;
            var payload = new LogPayloadReader(record[LogRecord.HeaderSize..]);
            Apply(reader, LogRecord.KindOf(record), ref payload);
            if (!payload.IsComplete)
                throw reader.Damage("a record does not have the fields of its kind");
            _lastSequence = LogRecord.SequenceOf(record);
        }
    }

    private void Apply(LogFileReader reader, LogRecordKind kind, ref LogPayloadReader payload)
    {
        switch (kind)
        {
            case LogRecordKind.Transaction:
                ApplyChanges(reader, ref payload);
                break;
            case LogRecordKind.LeaseGrant:
                _leases.TryGrant(payload.Int64(), payload.Int64());
                break;
            case LogRecordKind.LeaseEnd:
                var lease = payload.Int64();
                ApplyChanges(reader, ref payload);
                _leases.End(lease);
                break;
            case LogRecordKind.Compaction:
                var revision = payload.Int64();
                if (revision <= State.CompactedRevision || revision > State.Revision)
                    throw reader.Damage("a compaction does not follow from what is before it");
                State = State.Compact(revision);
                State.CutHistory();
                History.Forget(revision);
                break;
            case LogRecordKind.Closed:
                break;
            default:
                throw reader.Damage($"a record is of the unknown kind {(byte)kind}");
        }
    }

    private void ApplyChanges(LogFileReader reader, ref LogPayloadReader payload)
    {
        var revision = payload.Int64();
        var count = payload.Int32();
        if (count == 0)
            return;
        if (revision != State.Revision + 1)
            throw reader.Damage("a revision does not follow from what is before it");
        var state = State;
        var written = new List<KeyVersion>();
        for (var i = 0; i < count && payload.IsIntact; i++)
        {
            var isDelete = payload.Byte() == 1;
            var lease = payload.Int64();
            var key = payload.Bytes();
            var value = payload.Bytes();
            state = isDelete ? Delete(reader, state, revision, key, written) : Put(state, revision, key, value, lease, written);
        }

        _leases.Follow(written);
        State = state;
        History.Publish([new RevisionRecord(revision, written)]);
    }

    private static MvccSnapshot Put(
        MvccSnapshot state, long revision, byte[] key, byte[] value, long lease, List<KeyVersion> written)
    {
        state = state.Put(revision, key, value, lease, out var version);
        written.Add(version);
        return state;
    }

    private static MvccSnapshot Delete(
        LogFileReader reader, MvccSnapshot state, long revision, byte[] key, List<KeyVersion> written)
    {
        var present = state.Find(key) ?? throw reader.Damage("a deleted key was not there");
        state = state.Delete(revision, present, out var deleted);
        written.Add(deleted);
        return state;
    }

    private static KeyVersion ReadKey(ref LogPayloadReader payload)
    {
        var create = payload.Int64();
        var mod = payload.Int64();
        var version = payload.Int64();
        var lease = payload.Int64();
        var key = payload.Bytes();
        return new KeyVersion
        {
            Key = key,
            Value = payload.Bytes(),
            CreateRevision = create,
            ModRevision = mod,
            Version = version,
            LeaseId = lease,
        };
    }
}
