using System.Buffers;
using System.Runtime.CompilerServices;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Testing.Objects;

/// <summary>
/// A working object store with planted faults: failures before or after the call took effect, delays, throttling.
/// Counts calls and remembers puts and deletions in order.
/// </summary>
public sealed class FaultingObjectStore(IObjectStore inner) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly List<Planted> _faults = [];
    private readonly List<(ObjectOperation Operation, string Key)> _calls = [];
    private int _running;
    private int _maxRunning = int.MaxValue;

    public string Description => inner.Description;

    /// <summary>All calls so far: operation and key (List: prefix), in order of arrival.</summary>
    public IReadOnlyList<(ObjectOperation Operation, string Key)> Calls
    {
        get
        {
            lock (_lock)
                return [.. _calls];
        }
    }

    /// <summary>Throttle: a call that arrives while this many run fails as Unavailable, undone.</summary>
    public void Throttle(int maxRunning) => Volatile.Write(ref _maxRunning, maxRunning);

    /// <summary>Plants a fault; earlier planted ones come first.</summary>
    public void Plant(ObjectFault fault)
    {
        lock (_lock)
            _faults.Add(new Planted(fault));
    }

    /// <summary>Takes all faults away.</summary>
    public void Heal()
    {
        Throttle(int.MaxValue);
        lock (_lock)
            _faults.Clear();
    }

    public ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken) =>
        RunAsync(
            ObjectOperation.Put, key.Value,
            () => inner.PutIfAbsentAsync(key, content, crc32C, cancellationToken), cancellationToken);

    public ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken) =>
        RunAsync(
            ObjectOperation.Get, key.Value, () => inner.GetAsync(key, range, maxLength, cancellationToken), cancellationToken);

    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        RunAsync(ObjectOperation.Head, key.Value, () => inner.HeadAsync(key, cancellationToken), cancellationToken);

    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        await RunAsync(
            ObjectOperation.Delete,
            key.Value,
            async () =>
            {
                await inner.DeleteAsync(key, cancellationToken);
                return true;
            },
            cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var listed = await RunAsync(
            ObjectOperation.List,
            prefix,
            async () =>
            {
                List<ObjectInfo> all = [];
                await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
                    all.Add(info);
                return all;
            },
            cancellationToken);
        foreach (var info in listed)
            yield return info;
    }

    private async ValueTask<T> RunAsync<T>(
        ObjectOperation operation, string key, Func<ValueTask<T>> call, CancellationToken cancellationToken)
    {
        var fault = Arrive(operation, key);
        try
        {
            if (Interlocked.Increment(ref _running) > Volatile.Read(ref _maxRunning))
                throw new ObjectStoreException(ObjectStoreErrorKind.Unavailable, "Planted: slow down.");
            if (fault is { Effect: ObjectFaultEffect.FailBefore })
                throw new ObjectStoreException(fault.Kind, $"Planted: {operation} of '{key}' was not done.");
            if (fault is { Effect: ObjectFaultEffect.Delay })
                await HoldAsync(operation, fault, cancellationToken);

            var result = await call();
            if (fault is { Effect: ObjectFaultEffect.DelayAfter })
                await HoldAsync(operation, fault, cancellationToken);
            if (fault is { Effect: ObjectFaultEffect.FailAfter })
            {
                var kind = operation == ObjectOperation.Put ? ObjectStoreErrorKind.Unknown : fault.Kind;
                throw new ObjectStoreException(kind, $"Planted: the answer to {operation} of '{key}' was lost.");
            }

            return result;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static async Task HoldAsync(ObjectOperation operation, ObjectFault fault, CancellationToken cancellationToken)
    {
        try
        {
            await fault.Until.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (operation == ObjectOperation.Put)
        {
            throw new ObjectStoreException(ObjectStoreErrorKind.Unknown, "Planted: cancelled while the put was under way.");
        }
    }

    private ObjectFault? Arrive(ObjectOperation operation, string key)
    {
        lock (_lock)
        {
            _calls.Add((operation, key));
            foreach (var planted in _faults)
            {
                if (planted.Fault.Operation != operation || planted.Left == 0 || !planted.Fault.When(key))
                    continue;
                if (planted.ToSkip-- > 0)
                    return null;
                planted.Left--;
                return planted.Fault;
            }

            return null;
        }
    }

    private sealed class Planted(ObjectFault fault)
    {
        public ObjectFault Fault { get; } = fault;

        public int Left { get; set; } = fault.Times;

        public int ToSkip { get; set; } = fault.Skip;
    }
}
