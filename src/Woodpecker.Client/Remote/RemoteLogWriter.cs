using Woodpecker.Protocol.Transport;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Client.Remote;

/// <summary>
/// <see cref="ILogWriter"/> over the network. One loop keeps one stream to one writer process; when it breaks, all
/// unanswered batches go out again in order on the next one, which an idempotent producer makes harmless (P1, P3).
/// </summary>
internal sealed class RemoteLogWriter : ILogWriter
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    private readonly IPeerChannels _channels;
    private readonly IReadOnlyList<string> _writers;
    private readonly LogWriterOptions _options;
    private readonly TimeProvider _time;
    private readonly int _maxEntrySize;
    private readonly Lock _gate = new();
    private readonly BatchQueue _queue;
    private readonly LinkedList<RoomWaiter> _waiters = [];
    private readonly Signal _work = new();
    private readonly Task _running;
    private bool _isClosing;
    private bool _isStreamOver;
    private bool _hasProgress;

    /// <summary>Starts the loop; nothing is dialled before the first entry.</summary>
    /// <param name="log">The log.</param>
    /// <param name="channels">The way to the writers.</param>
    /// <param name="writers">App ids, tried in turn.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="producerId">Id of the producer, if the writer is idempotent.</param>
    /// <param name="maxEntrySize">Largest payload that fits a message, in bytes.</param>
    /// <param name="time">The clock.</param>
    public RemoteLogWriter(
        string log,
        IPeerChannels channels,
        IReadOnlyList<string> writers,
        LogWriterOptions options,
        Guid producerId,
        int maxEntrySize,
        TimeProvider time)
    {
        Log = log;
        _channels = channels;
        _writers = writers;
        _options = options;
        _maxEntrySize = maxEntrySize;
        _time = time;
        _queue = new BatchQueue(options, producerId);
        _running = Task.Run(RunAsync);
    }

    public string Log { get; }

    /// <summary>Whether a sent batch waits for its answer.</summary>
    internal bool AwaitsAnswer
    {
        get
        {
            lock (_gate)
                return _queue.AwaitsAnswer;
        }
    }

    /// <summary>Whether the writer closes and everything is answered.</summary>
    internal bool IsDrained
    {
        get
        {
            lock (_gate)
                return _isClosing && _queue.IsEmpty;
        }
    }

    public ValueTask<AppendTicket> EnqueueAsync(NewEntry entry, CancellationToken cancellationToken = default)
    {
        AppendChecks.Check(entry, _maxEntrySize);
        var bytes = PendingBatch.SizeOf(entry);
        lock (_gate)
        {
            if (CanAccept(bytes))
            {
                var ticket = _queue.Add(entry);
                _work.Set();
                return ValueTask.FromResult(ticket);
            }
        }

        return WaitForRoomAsync(new RoomWaiter(bytes, () => _queue.Add(entry)), cancellationToken);
    }

    public ValueTask<AppendTicket> EnqueueAsync(
        IReadOnlyList<NewEntry> entries, AppendOptions? options = null, CancellationToken cancellationToken = default)
    {
        var bytes = AppendChecks.Check(entries, options, _maxEntrySize);
        lock (_gate)
        {
            if (CanAccept(bytes))
            {
                var ticket = _queue.Add(entries, options);
                _work.Set();
                return ValueTask.FromResult(ticket);
            }
        }

        return WaitForRoomAsync(new RoomWaiter(bytes, () => _queue.Add(entries, options)), cancellationToken);
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        Task<AppendResult>? newest;
        lock (_gate)
            newest = _queue.Newest?.Answer;
        // Answers come in order, so the newest one stands for all (INV-5).
        if (newest is not null)
            await newest.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Accepts nothing more and waits, within the retry patience, until everything accepted is answered.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosing = true;
            foreach (var waiter in _waiters)
                waiter.Refuse(Closed());
            _waiters.Clear();
        }

        _work.Set();
        await _running.ConfigureAwait(false);
    }

    /// <summary>The next batch of the present stream; null if there is none now.</summary>
    internal PendingBatch? TakeNext()
    {
        lock (_gate)
            return _isStreamOver ? null : _queue.TakeNext(_time.GetTimestamp());
    }

    internal ValueTask WaitForWorkAsync(CancellationToken cancellationToken) => _work.WaitAsync(cancellationToken);

    /// <summary>Takes the answer to the oldest batch of the stream; an end if the stream must be begun anew.</summary>
    internal StreamEnd? Take(AppendResult result)
    {
        List<PendingBatch> unknown = [];
        PendingBatch batch;
        var end = default(StreamEnd?);
        lock (_gate)
        {
            batch = _queue.Oldest
                ?? throw new InvariantViolationException("an answer came although no batch waits for one");
            if (result.Outcome != AppendOutcome.Ok && ShouldRetry(batch, result))
            {
                // A refusal is certain for this attempt; if no other is in doubt, also for those behind it, which are
                // out of order then.
                if (result.Outcome == AppendOutcome.NotAppended && batch.TimesSent == 1)
                    _queue.ForgetStream();
                else if (result.Outcome == AppendOutcome.NotAppended)
                    batch.TimesSent--;
                _isStreamOver = true;
                return StreamEnd.Again(result.Error!);
            }

            _hasProgress = true;
            _queue.RemoveOldest();
            result = Settlement.OfReply(batch, result);
            if (result.Outcome != AppendOutcome.Ok && _options.IsIdempotent)
            {
                // Behind a batch that is surely not in the log nothing was accepted either: out of order. Behind one
                // that may be, sending the same entries under other numbers could duplicate them.
                if (result.Outcome == AppendOutcome.Indeterminate)
                    unknown = _queue.RemoveSent();
                _queue.Renumber();
                _isStreamOver = true;
                end = StreamEnd.Again(result.Error!);
            }

            AcceptWaiters();
        }

        batch.Complete(result);
        foreach (var other in unknown)
            other.Complete(AppendResult.Indeterminate(result.Error!));
        _work.Set();
        return end;
    }

    private async Task RunAsync()
    {
        var failures = 0;
        var peer = 0;
        while (await HasWorkAsync().ConfigureAwait(false))
        {
            lock (_gate)
            {
                _queue.BeginStream();
                _isStreamOver = false;
                _hasProgress = false;
            }

            var end = await RunStreamAsync(_writers[peer]).ConfigureAwait(false);
            if (end.Failure is not { } failure)
                continue;
            failures = _hasProgress ? 0 : failures + 1;
            if (failures > 0)
                peer = (peer + 1) % _writers.Count;
            GiveUp(failure, end);
            await Task.Delay(Pause(failures, failure), _time).ConfigureAwait(false);
        }
    }

    private async Task<StreamEnd> RunStreamAsync(string peer)
    {
        try
        {
            var stream = new AppendStream(this, Log, peer, _options.ReplyPatience, _time);
            return await stream.RunAsync(_channels.GetInvoker(peer), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TransportConfigurationException or ArgumentException)
        {
            return new StreamEnd(new WoodpeckerException(ErrorKind.Invalid, e.Message, e), IsFinal: true);
        }
        catch (ObjectDisposedException e)
        {
            return new StreamEnd(new WoodpeckerException(ErrorKind.Closed, "The client is closed.", e), IsFinal: true);
        }
    }

    private async ValueTask<bool> HasWorkAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (!_queue.IsEmpty)
                    return true;
                if (_isClosing)
                    return false;
            }

            await _work.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    // After a broken stream: what must not or need not be sent again is answered (W7).
    private void GiveUp(WoodpeckerException failure, StreamEnd end)
    {
        List<PendingBatch> over = [];
        lock (_gate)
        {
            if (end.NeverConnected)
                _queue.ForgetStream();
            if (end.IsFinal || IsOverdue())
            {
                over = _queue.RemoveAll();
                _queue.Renumber();
            }
            else if (!_options.IsIdempotent && !end.NeverConnected)
            {
                over = _queue.RemoveSent();
            }

            AcceptWaiters();
        }

        foreach (var batch in over)
            batch.Complete(Settlement.OfBrokenStream(batch, failure, end.IsFinal));
    }

    private bool IsOverdue() =>
        _queue.Oldest?.FirstSentAt is { } first && _time.GetElapsedTime(first) > _options.RetryPatience;

    private bool ShouldRetry(PendingBatch batch, in AppendResult result)
    {
        // Only an operator ends safe mode; the application is told at once (section 13).
        if (result.Error?.Reason == ClusterGuard.Reason)
            return false;
        if (!_options.IsIdempotent || _time.GetElapsedTime(batch.FirstSentAt!.Value) > _options.RetryPatience)
            return false;
        return result.Outcome == AppendOutcome.Indeterminate
            || result.Error is { Kind: ErrorKind.Unavailable or ErrorKind.NotOwner or ErrorKind.Closed };
    }

    private bool CanAccept(int bytes)
    {
        if (_isClosing)
            throw Closed();
        return _waiters.Count == 0 && _queue.HasRoom(bytes);
    }

    private async ValueTask<AppendTicket> WaitForRoomAsync(RoomWaiter waiter, CancellationToken cancellationToken)
    {
        LinkedListNode<RoomWaiter> node;
        lock (_gate)
        {
            if (_isClosing)
                throw Closed();
            node = _waiters.AddLast(waiter);
            AcceptWaiters();
        }

        try
        {
            return await waiter.Accepted.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                if (node.List is not null)
                    _waiters.Remove(node);
            }

            throw;
        }
    }

    private void AcceptWaiters()
    {
        while (_waiters.First is { } first && _queue.HasRoom(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            first.Value.Accept();
            _work.Set();
        }
    }

    private static TimeSpan Pause(int failures, WoodpeckerException failure)
    {
        if (failures == 0)
            return TimeSpan.Zero;
        var pause = _firstPause * Math.Pow(2, Math.Min(failures - 1, 10));
        if (failure.RetryAfter is { } asked && asked > pause)
            pause = asked;
        return pause < _longestPause ? pause : _longestPause;
    }

    private static WoodpeckerException Closed() => new(ErrorKind.Closed, "The writer is closed.");
}
