using Woodpecker.Format.Journals;

namespace Woodpecker.Storage.Journal;

/// <summary>
/// Collects records of many logs while the disk works, then makes them durable by one write and one sync: no timer, so a
/// lone record pays one sync and nothing more (J1). Two groups at most: one being written, one collecting.
/// </summary>
/// <remarks>
/// Ownership:  bodies are copied by <see cref="Add"/>, once, to where they are written from.
/// Threads:    any thread adds, one at a time per owner; one thread of its own writes.
/// Durability: the owner hears of a group only after its sync returned success.
/// Errors:     the first failure trips the latch and ends the thread; nothing is tried again (J5).
/// </remarks>
internal sealed class GroupCommit : IDisposable
{
    private readonly Lock _gate = new();
    private readonly JournalOptions _options;
    private readonly JournalFiles _files;
    private readonly IJournalOwner _owner;
    private readonly FailureLatch _latch;
    private IJournalLoop? _loop;
    private Group _collecting;
    private Group _writing;
    private TaskCompletionSource _space = NewSignal();
    private long _groupCount;
    private bool _isStopping;

    public GroupCommit(JournalOptions options, JournalFiles files, IJournalOwner owner, FailureLatch latch)
    {
        _options = options;
        _files = files;
        _owner = owner;
        _latch = latch;
        _collecting = new Group(options.BufferSize);
        _writing = new Group(options.BufferSize);
    }

    /// <summary>Groups made durable so far.</summary>
    public long GroupCount => Interlocked.Read(ref _groupCount);

    /// <summary>Begins to write.</summary>
    public void Start() => _loop = _options.Executor.Start("journal", Turn);

    /// <summary>Whether a record with such a body can be added at once. True stays true until the same owner adds.</summary>
    public bool HasRoomFor(int bodyLength)
    {
        lock (_gate)
            return _collecting.HasRoomFor(bodyLength, _options);
    }

    /// <summary>A task that ends when there may be room again, or when the journal stops.</summary>
    public Task WaitForRoomAsync()
    {
        lock (_gate)
            return _isStopping || _latch.IsTripped || _collecting.Count == 0 ? Task.CompletedTask : _space.Task;
    }

    /// <summary>Adds a record; the caller saw room for it.</summary>
    /// <param name="type">What it is.</param>
    /// <param name="prefix">What stands before the body in the record.</param>
    /// <param name="body">Borrowed for the call.</param>
    /// <param name="context">Handed back when the record is durable.</param>
    public void Add(RecordType type, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, object? context)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _collecting.Count == 0;
            _collecting.Add(type, prefix, body, context);
        }

        if (isFirst)
            _loop!.Wake();
    }

    /// <summary>Writes what was added and stops.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isStopping = true;
        _loop?.Wake();
        _loop?.Join();
        _collecting.Dispose();
        _writing.Dispose();
    }

    // Takes what has gathered, writes it, and looks again.
    private JournalTurn Turn()
    {
        try
        {
            TaskCompletionSource space;
            lock (_gate)
            {
                if (_collecting.Count == 0)
                    return _isStopping ? JournalTurn.End : JournalTurn.Wait;
                (_collecting, _writing) = (_writing, _collecting);
                (space, _space) = (_space, NewSignal());
            }

            space.TrySetResult();
            WriteGroup();
            _writing.Clear();
            return JournalTurn.Again;
        }
#pragma warning disable CA1031 // Whatever went wrong, nothing more may be acknowledged (J5).
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _latch.Trip(failure);
            _owner.OnFailed(failure);
            ReleaseSpace();
            return JournalTurn.End;
        }
    }

    private void WriteGroup()
    {
        var file = _files.BeginGroup(_writing.PaddedLength, _writing.Items);
        var position = file.EndPosition;
        var bytes = _writing.Complete(file.Nonce, _files.NextGroupSequence(), ref _files.JournalSequence);
        file.Handle.Write(bytes, position);
        file.Handle.SyncData();
        file.EndPosition = position + bytes.Length;
        Interlocked.Increment(ref _groupCount);
        _owner.OnDurable(new DurableGroup(_writing.Items, file, position));
    }

    private void ReleaseSpace()
    {
        lock (_gate)
            _space.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
