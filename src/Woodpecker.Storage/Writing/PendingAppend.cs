using System.Threading.Tasks.Sources;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// One append in flight: the caller waits on it, the session answers it exactly once (W5, INV-32). Pooled: it returns
/// to
/// its pool when both the caller took the answer and the session let go.
/// </summary>
/// <remarks>Threads: the session, the caller and a cancellation may race; the first answer wins.</remarks>
internal sealed class PendingAppend(PendingAppendPool pool) : IValueTaskSource<AppendResult>
{
    private const int Queued = 0;
    private const int Assigned = 1;
    private const int Answered = 2;

    private ManualResetValueTaskSourceCore<AppendResult> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private AppendBatch? _batch;
    private int _state;
    private int _owners;

    /// <summary>The batch.</summary>
    public AppendBatch Batch => _batch!;

    /// <summary>Timestamp of the enqueueing, for deadlines.</summary>
    public long EnqueuedAt { get; private set; }

    /// <summary>The caller's task; awaited once.</summary>
    public ValueTask<AppendResult> Task => new(this, _source.Version);

    /// <summary>Prepares a pooled instance for a caller and the session.</summary>
    public void Begin(AppendBatch batch, long enqueuedAt)
    {
        _batch = batch;
        EnqueuedAt = enqueuedAt;
        _state = Queued;
        _owners = 2;
    }

    /// <summary>Lets the caller's token end the wait. Called after the session owns the append.</summary>
    public void ListenTo(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (state, token) => ((PendingAppend)state!).Cancel(token), this);
        }
    }

    /// <summary>
    /// The session begins to assign offsets. False if the caller has gone: nothing of the batch is appended.
    /// </summary>
    public bool TryAssign() => Interlocked.CompareExchange(ref _state, Assigned, Queued) == Queued;

    /// <summary>Gives the answer; later answers are ignored.</summary>
    public void Answer(in AppendResult result)
    {
        if (Interlocked.Exchange(ref _state, Answered) != Answered)
            _source.SetResult(result);
    }

    /// <summary>Whether the caller has its answer already.</summary>
    public bool IsAnswered => Volatile.Read(ref _state) == Answered;

    /// <summary>The session lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
            Recycle();
    }

    /// <inheritdoc/>
    AppendResult IValueTaskSource<AppendResult>.GetResult(short token)
    {
        // Waits for a running callback, so that a late cancellation never meets the next use of this instance.
        _cancellation.Dispose();
        _cancellation = default;
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<AppendResult>.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<AppendResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    // Before offsets are assigned cancelling means "not appended"; afterwards only the answer changes, not the write
    // (W8).
    private void Cancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref _state, Answered, Queued) == Queued)
            _source.SetException(new OperationCanceledException(token));
        else
            Answer(AppendResult.Indeterminate(WriterErrors.Cancelled()));
    }

    private void Recycle()
    {
        _batch = null;
        _source.Reset();
        pool.Return(this);
    }
}
