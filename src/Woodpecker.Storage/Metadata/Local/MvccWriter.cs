using System.Buffers;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Decides commands one after the other and puts their records into the log's group.</summary>
/// <remarks>
/// Threads: the store's loop only. The state here runs ahead of what is durable; readers see it after
///          <see cref="MvccStore"/> published it.
/// </remarks>
internal sealed class MvccWriter
{
    /// <summary>Longest time to live, in seconds; etcd's limit.</summary>
    public const long MaxLeaseSeconds = 9_000_000_000;

    private readonly CommitLog _log;
    private readonly LeaseTable _leases;
    private readonly IIdSource _ids;
    private readonly MvccEvaluator _evaluator;
    private readonly ArrayBufferWriter<byte> _payload = new();
    private readonly List<RevisionRecord> _unpublished = [];

    public MvccWriter(CommitLog log, MvccSnapshot state, LeaseTable leases, IIdSource ids, long maxSize)
    {
        _log = log;
        _leases = leases;
        _ids = ids;
        _evaluator = new MvccEvaluator(leases.Exists, maxSize);
        State = state;
    }

    /// <summary>The state after every command so far, durable or not.</summary>
    public MvccSnapshot State { get; private set; }

    /// <summary>Revisions that readers do not see yet.</summary>
    public IReadOnlyList<RevisionRecord> Unpublished => _unpublished;

    /// <summary>A transaction.</summary>
    public MvccOutcome Commit(MvccTransaction transaction)
    {
        var outcome = _evaluator.Evaluate(State, transaction, out var written, out var after);
        if (written.Count > 0)
            Accept(after, written, LogRecordKind.Transaction, leaseId: 0);
        return outcome;
    }

    /// <summary>Drops history before the revision.</summary>
    public long Compact(long revision)
    {
        if (revision <= State.CompactedRevision)
            throw new MvccException(MvccError.Compacted);
        if (revision > State.Revision)
            throw new MvccException(MvccError.FutureRevision);
        State = State.Compact(revision);
        _payload.ResetWrittenCount();
        LogPayload.WriteInt64(_payload, revision);
        _log.Add(LogRecordKind.Compaction, _payload.WrittenSpan);
        return State.Revision;
    }

    /// <summary>Grants a lease; id 0 asks for a fresh one.</summary>
    public LeaseInfo Grant(long id, long seconds)
    {
        var isChosen = id != 0;
        do
            id = isChosen ? id : (long)(_ids.NewNonce() & long.MaxValue);
        while (id == 0);
        if (!_leases.TryGrant(id, seconds))
            throw new MvccException(MvccError.LeaseExists);
        _payload.ResetWrittenCount();
        LogPayload.WriteInt64(_payload, id);
        LogPayload.WriteInt64(_payload, seconds);
        _log.Add(LogRecordKind.LeaseGrant, _payload.WrittenSpan);
        return new LeaseInfo(id, seconds, seconds);
    }

    /// <summary>Ends a lease and deletes its keys, in key order and at one revision.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="onlyIfExpired">Whether a lease that was renewed meanwhile stays.</param>
    public long EndLease(long id, bool onlyIfExpired)
    {
        if (!_leases.MayEnd(id, onlyIfExpired))
            return onlyIfExpired ? State.Revision : throw new MvccException(MvccError.LeaseNotFound);
        var after = State;
        var written = new List<KeyVersion>();
        foreach (var key in _leases.KeysOf(id))
        {
            var present = after.Find(key);
            Invariant.Check(present is not null && present.LeaseId == id, "A lease knows exactly its keys.");
            after = after.Delete(State.Revision + 1, present, out var deleted);
            written.Add(deleted);
        }

        Accept(after, written, LogRecordKind.LeaseEnd, id);
        _leases.End(id);
        return State.Revision;
    }

    /// <summary>Forgets what was published.</summary>
    public void MarkPublished() => _unpublished.Clear();

    private void Accept(MvccSnapshot after, IReadOnlyList<KeyVersion> written, LogRecordKind kind, long leaseId)
    {
        // Checked before anything changes: a refused command leaves no trace.
        if (LogPayload.SizeOf(written) > LogRecord.MaxSize - 1024)
            throw new MvccException(MvccError.TooLarge);
        _payload.ResetWrittenCount();
        if (kind == LogRecordKind.LeaseEnd)
            LogPayload.WriteInt64(_payload, leaseId);
        LogPayload.WriteChanges(_payload, written.Count > 0 ? after.Revision : 0, written);
        _log.Add(kind, _payload.WrittenSpan);
        _leases.Follow(written);
        State = after;
        if (written.Count > 0)
            _unpublished.Add(new RevisionRecord(after.Revision, written));
    }
}
