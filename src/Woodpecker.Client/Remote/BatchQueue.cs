namespace Woodpecker.Client.Remote;

/// <summary>
/// The order of a writer's batches: accepted ones wait, sent ones stay until they are answered, and after a broken
/// stream all unanswered ones are sent again in the same order. Not thread-safe; its owner locks.
/// </summary>
internal sealed class BatchQueue(LogWriterOptions options, Guid producerId)
{
    private readonly LinkedList<PendingBatch> _waiting = [];
    private readonly List<PendingBatch> _unanswered = [];
    private int _resent;
    private uint _producerEpoch = options.ProducerEpoch;
    private ulong _nextSequence;

    /// <summary>Bytes accepted and not answered.</summary>
    public long BufferedBytes { get; private set; }

    public bool IsEmpty => _waiting.Count == 0 && _unanswered.Count == 0;

    /// <summary>The oldest batch that was sent and not answered.</summary>
    public PendingBatch? Oldest => _unanswered.Count == 0 ? null : _unanswered[0];

    /// <summary>The newest batch accepted; its answer comes last.</summary>
    public PendingBatch? Newest => _waiting.Last?.Value ?? (_unanswered.Count == 0 ? null : _unanswered[^1]);

    /// <summary>Whether a sent batch of this stream waits for an answer.</summary>
    public bool AwaitsAnswer => _resent > 0;

    /// <summary>Whether so many bytes may be accepted now; one batch always may.</summary>
    public bool HasRoom(int bytes) => BufferedBytes == 0 || BufferedBytes + bytes <= options.MaxBufferedBytes;

    /// <summary>Accepts an entry into the last waiting batch, or a new one.</summary>
    public AppendTicket Add(NewEntry entry)
    {
        var batch = _waiting.Last?.Value;
        if (batch is null || !Fits(batch, entry))
        {
            batch = new PendingBatch(null);
            _waiting.AddLast(batch);
        }

        batch.Add(entry);
        BufferedBytes += PendingBatch.SizeOf(entry);
        return new AppendTicket(batch.Answer, batch.Entries.Count - 1, 1);
    }

    /// <summary>Accepts a batch that stays as it is.</summary>
    public AppendTicket Add(IReadOnlyList<NewEntry> entries, AppendOptions? conditions)
    {
        // Conditions, even empty ones, keep other entries out of the batch.
        var batch = new PendingBatch(conditions ?? new AppendOptions());
        foreach (var entry in entries)
            batch.Add(entry);
        _waiting.AddLast(batch);
        BufferedBytes += batch.Bytes;
        return new AppendTicket(batch.Answer, 0, entries.Count);
    }

    /// <summary>A new stream begins: everything unanswered is to be sent again.</summary>
    public void BeginStream() => _resent = 0;

    /// <summary>The next batch to send on this stream; null if the window is full or nothing waits.</summary>
    public PendingBatch? TakeNext(long now)
    {
        PendingBatch batch;
        if (_resent < _unanswered.Count)
        {
            batch = _unanswered[_resent];
        }
        else if (_waiting.First is { } first && _unanswered.Count < options.MaxBatchesInFlight)
        {
            batch = first.Value;
            _waiting.RemoveFirst();
            _unanswered.Add(batch);
            if (options.IsIdempotent)
                Stamp(batch);
        }
        else
        {
            return null;
        }

        _resent++;
        batch.TimesSent++;
        batch.FirstSentAt ??= now;
        return batch;
    }

    /// <summary>What was handed to the stream certainly did not get into the log: it counts as not sent.</summary>
    public void ForgetStream()
    {
        for (var i = 0; i < _resent; i++)
            _unanswered[i].TimesSent--;
        _resent = 0;
    }

    /// <summary>The oldest sent batch is answered for good.</summary>
    public PendingBatch RemoveOldest()
    {
        var batch = _unanswered[0];
        _unanswered.RemoveAt(0);
        _resent = Math.Max(0, _resent - 1);
        BufferedBytes -= batch.Bytes;
        return batch;
    }

    /// <summary>
    /// The oldest batch was refused for good, so the sequences behind it would be out of order for ever. A higher
    /// producer epoch begins at 0 and fences what may still be under way with the old numbers (P1). The stream is over.
    /// </summary>
    public void Renumber()
    {
        _producerEpoch = checked(_producerEpoch + 1);
        _nextSequence = 0;
        foreach (var batch in _unanswered)
        {
            // None of them is in the log: the gap before them kept them out.
            batch.TimesSent = 0;
            Stamp(batch);
        }

        _resent = 0;
    }

    /// <summary>Takes out what was sent and is not answered.</summary>
    public List<PendingBatch> RemoveSent()
    {
        List<PendingBatch> sent = [.. _unanswered];
        _unanswered.Clear();
        _resent = 0;
        foreach (var batch in sent)
            BufferedBytes -= batch.Bytes;
        return sent;
    }

    /// <summary>Takes everything out.</summary>
    public List<PendingBatch> RemoveAll()
    {
        List<PendingBatch> all = [.. _unanswered, .. _waiting];
        _unanswered.Clear();
        _waiting.Clear();
        _resent = 0;
        BufferedBytes = 0;
        return all;
    }

    private void Stamp(PendingBatch batch)
    {
        batch.Stamp = new ProducerStamp(producerId, _producerEpoch, _nextSequence);
        _nextSequence += (ulong)batch.Entries.Count;
    }

    private bool Fits(PendingBatch batch, in NewEntry entry) =>
        batch.Conditions is null
        && batch.Entries.Count < options.MaxBatchEntries
        && batch.Bytes + PendingBatch.SizeOf(entry) <= options.MaxBatchBytes;
}
