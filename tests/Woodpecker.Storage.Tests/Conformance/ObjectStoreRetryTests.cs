using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>Retries without faults are invisible.</summary>
public sealed class ObjectStoreRetryingTests : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenAsync() => ValueTask.FromResult<IObjectStore>(new RetryingObjectStore(
        new InMemoryObjectStore(TimeProvider.System), new ObjectRetryOptions(), TimeProvider.System, new Random(1)));
}

public sealed class ObjectStoreRetryTests
{
    private static readonly ObjectKey Key = new("k");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly InMemoryObjectStore _memory;
    private readonly FaultingObjectStore _faulty;
    private readonly RetryingObjectStore _store;

    public ObjectStoreRetryTests()
    {
        _memory = new InMemoryObjectStore(_time);
        _faulty = new FaultingObjectStore(_memory);
        _store = new RetryingObjectStore(_faulty, new ObjectRetryOptions(), _time, new Random(3));
    }

    [Fact]
    public async Task Put_IsRepeated_AfterAPassingFailure()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailBefore) { Times = 3 });
        Assert.Equal(PutOutcome.Created, await DriveAsync(PutAsync()));
        Assert.Equal(4, _faulty.Calls.Count);
    }

    [Fact]
    public async Task Put_AnswersExists_WhenItsOwnLostTryLanded()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter));
        Assert.Equal(PutOutcome.Exists, await DriveAsync(PutAsync()));
    }

    [Fact]
    public async Task Put_StaysUnknown_WhenALaterTryFailsDefinitely()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter));
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailBefore) { Kind = ObjectStoreErrorKind.Denied });
        Assert.Equal(ObjectStoreErrorKind.Unknown, await FailureAsync(PutAsync()));
        Assert.Single(_memory.Keys);
    }

    [Theory]
    [InlineData(ObjectStoreErrorKind.Denied)]
    [InlineData(ObjectStoreErrorKind.Corrupt)]
    [InlineData(ObjectStoreErrorKind.Unsupported)]
    [InlineData(ObjectStoreErrorKind.Full)]
    [InlineData(ObjectStoreErrorKind.Invalid)]
    public async Task Put_IsNotRepeated_WhenThatIsUseless(ObjectStoreErrorKind kind)
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailBefore) { Kind = kind });
        Assert.Equal(kind, await FailureAsync(PutAsync()));
        Assert.Single(_faulty.Calls);
    }

    [Fact]
    public async Task Attempts_AreBounded()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Head, ObjectFaultEffect.FailBefore) { Times = int.MaxValue });
        Assert.Equal(ObjectStoreErrorKind.Unavailable, await FailureAsync(_store.HeadAsync(Key, CancellationToken.None).AsTask()));
        Assert.Equal(new ObjectRetryOptions().MaxAttempts, _faulty.Calls.Count);
    }

    [Fact]
    public async Task Budget_EndsRetrying_AndComesBackWithSuccess()
    {
        var store = new RetryingObjectStore(_faulty, new ObjectRetryOptions { RetryBudget = 2 }, _time, new Random(3));
        _faulty.Plant(new ObjectFault(ObjectOperation.Head, ObjectFaultEffect.FailBefore) { Times = int.MaxValue });
        await FailureAsync(store.HeadAsync(Key, CancellationToken.None).AsTask());
        Assert.Equal(3, _faulty.Calls.Count); // One try and the two retries of the budget.
        await FailureAsync(store.HeadAsync(Key, CancellationToken.None).AsTask());
        Assert.Equal(4, _faulty.Calls.Count);

        _faulty.Heal();
        for (var i = 0; i < 10; i++)
            await store.HeadAsync(Key, CancellationToken.None);
        _faulty.Plant(new ObjectFault(ObjectOperation.Head, ObjectFaultEffect.FailBefore));
        Assert.Null(await DriveAsync(store.HeadAsync(Key, CancellationToken.None).AsTask()));
    }

    [Fact]
    public async Task Put_ThatHangs_IsUnknownAtItsDeadline_ThenRepeated()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = new TaskCompletionSource().Task });
        Assert.Equal(PutOutcome.Created, await DriveAsync(PutAsync()));
        Assert.Equal(2, _faulty.Calls.Count);
    }

    [Fact]
    public async Task List_ThatHangs_GoesOnAfterItsDeadline()
    {
        for (var i = 0; i < 3; i++)
            await _memory.PutIfAbsentAsync(new ObjectKey($"l/{i}"), default, ObjectChecksum.Of([]), CancellationToken.None);
        _faulty.Plant(new ObjectFault(ObjectOperation.List, ObjectFaultEffect.Delay) { Until = new TaskCompletionSource().Task });
        var listing = Task.Run(async () =>
        {
            List<string> keys = [];
            await foreach (var info in _store.ListAsync("l/", null, CancellationToken.None))
                keys.Add(info.Key.Value);
            return keys;
        });
        Assert.Equal(["l/0", "l/1", "l/2"], await DriveAsync(listing));
    }

    [Fact]
    public async Task Deadline_GrowsWithTheBytes()
    {
        var hangs = new TaskCompletionSource();
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.Delay) { Until = hangs.Task });
        var put = _store.PutIfAbsentAsync(
            Key, new ReadOnlySequence<byte>(new byte[10 * 1024 * 1024]), 0, CancellationToken.None).AsTask();
        _time.Advance(TimeSpan.FromSeconds(14));
        Assert.Single(_faulty.Calls);
        Assert.False(put.IsCompleted);
        hangs.SetResult();
        Assert.Equal(ObjectStoreErrorKind.Corrupt, await FailureAsync(put)); // It was the first try that arrived.
        Assert.Single(_faulty.Calls);
    }

    [Fact]
    public async Task Put_IsUnknown_WhenTheCallerStopsWaitingAfterALostAnswer()
    {
        _faulty.Plant(new ObjectFault(ObjectOperation.Put, ObjectFaultEffect.FailAfter));
        using var cancelled = new CancellationTokenSource();
        var put = PutAsync(cancelled.Token);
        await cancelled.CancelAsync();
        Assert.Equal(ObjectStoreErrorKind.Unknown, await FailureAsync(put));
    }

    [Fact]
    public async Task List_GoesOn_AfterTheLastKeyHandedOut()
    {
        var breaking = new BreakingList(_memory);
        var store = new RetryingObjectStore(breaking, new ObjectRetryOptions(), _time, new Random(3));
        for (var i = 0; i < 10; i++)
            await _memory.PutIfAbsentAsync(new ObjectKey($"l/{i}"), default, ObjectChecksum.Of([]), CancellationToken.None);
        var listing = Task.Run(async () =>
        {
            List<string> keys = [];
            await foreach (var info in store.ListAsync("l/", null, CancellationToken.None))
                keys.Add(info.Key.Value);
            return keys;
        });
        Assert.Equal(Enumerable.Range(0, 10).Select(static i => $"l/{i}"), await DriveAsync(listing));
    }

    private Task<PutOutcome> PutAsync(CancellationToken cancellationToken = default) =>
        _store.PutIfAbsentAsync(Key, new ReadOnlySequence<byte>([1]), ObjectChecksum.Of([1]), cancellationToken).AsTask();

    /// <summary>Moves the fake time until the call is done.</summary>
    private async Task<T> DriveAsync<T>(Task<T> call)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!call.IsCompleted)
        {
            limit.Token.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return await call;
    }

    private async Task<ObjectStoreErrorKind> FailureAsync<T>(Task<T> call) =>
        (await Assert.ThrowsAsync<ObjectStoreException>(() => DriveAsync(call))).Kind;

    /// <summary>Every listing breaks after three keys.</summary>
    private sealed class BreakingList(IObjectStore inner) : IObjectStore
    {
        public string Description => inner.Description;

        public ValueTask<PutOutcome> PutIfAbsentAsync(ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken) =>
            inner.PutIfAbsentAsync(key, content, crc32C, cancellationToken);

        public ValueTask<ObjectData?> GetAsync(ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken) =>
            inner.GetAsync(key, range, maxLength, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) => inner.HeadAsync(key, cancellationToken);

        public ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);

        public async IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, ObjectKey? startAfter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var count = 0;
            await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
            {
                if (count++ == 3)
                    throw new ObjectStoreException(ObjectStoreErrorKind.Unavailable, "Planted: the listing broke.");
                yield return info;
            }
        }
    }
}
