namespace Woodpecker.Storage.Replicas;

/// <summary>Ends when a record is durable; continuations run elsewhere.</summary>
internal sealed class DurableWait
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Files that are needed no more by one segment once the record, a drop, is durable: not a moment earlier (J10).</summary>
    public IReadOnlyList<ulong> GivenUpFiles { get; set; } = [];

    /// <summary>The wait.</summary>
    public Task Task => _source.Task;

    /// <summary>The record is durable.</summary>
    public void TrySetResult() => _source.TrySetResult();

    /// <summary>The journal failed.</summary>
    public void TrySetException(Exception failure) => _source.TrySetException(failure);
}
