namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Durable revisions since the last compaction, in order: what watchers read, each at its own pace.</summary>
/// <remarks>
/// Threads: one publisher, any readers. A slow reader costs nothing: it holds a number, not a queue, so commits never wait
///          for it and it misses nothing that is still in history.
/// </remarks>
internal sealed class RevisionHistory
{
    private readonly Lock _gate = new();
    private readonly List<RevisionRecord> _records = [];
    private TaskCompletionSource _grown = NewSignal();
    private long _compactedRevision;
    private bool _isClosed;

    /// <summary>How reading one revision ended.</summary>
    public enum ReadResult
    {
        Found,
        NotYet,
        Compacted,
        Closed,
    }

    /// <summary>Reads the first change at or after the revision.</summary>
    /// <param name="from">The revision.</param>
    /// <param name="record">The change.</param>
    public ReadResult TryRead(long from, out RevisionRecord? record)
    {
        record = null;
        lock (_gate)
        {
            if (_isClosed)
                return ReadResult.Closed;
            if (from < _compactedRevision)
                return ReadResult.Compacted;
            if (_records.Count == 0 || from > _records[^1].Revision)
                return ReadResult.NotYet;
            // Revisions are dense from the first one kept.
            var index = Math.Max(0, from - _records[0].Revision);
            record = _records[(int)index];
            return ReadResult.Found;
        }
    }

    /// <summary>Oldest revision a watcher may start at; 0 if every one.</summary>
    public long CompactedRevision
    {
        get
        {
            lock (_gate)
                return _compactedRevision;
        }
    }

    /// <summary>Completes when anything was published, or history was cut, after this call.</summary>
    public Task GrowthAsync()
    {
        lock (_gate)
            return _grown.Task;
    }

    /// <summary>All records, for a checkpoint.</summary>
    public IReadOnlyList<RevisionRecord> ToList()
    {
        lock (_gate)
            return [.. _records];
    }

    /// <summary>Adds durable revisions and wakes the waiting.</summary>
    public void Publish(IReadOnlyList<RevisionRecord> records)
    {
        TaskCompletionSource grown;
        lock (_gate)
        {
            foreach (var record in records)
            {
                Invariant.Check(
                    _records.Count == 0 || record.Revision == _records[^1].Revision + 1, "Revisions are published in order.");
                _records.Add(record);
            }

            grown = _grown;
            _grown = NewSignal();
        }

        grown.SetResult();
    }

    /// <summary>Lets go of revisions before the compacted one, and wakes watchers that stood there.</summary>
    public void Forget(long compactedRevision)
    {
        lock (_gate)
        {
            _compactedRevision = compactedRevision;
            var keepFrom = _records.FindIndex(r => r.Revision >= compactedRevision);
            _records.RemoveRange(0, keepFrom < 0 ? _records.Count : keepFrom);
        }

        Publish([]);
    }

    /// <summary>Ends all watchers: the store closes.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
        Publish([]);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
