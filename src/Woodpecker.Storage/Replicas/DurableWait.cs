namespace Woodpecker.Storage.Replicas;

/// <summary>Ends when a record is durable; continuations run elsewhere.</summary>
internal sealed class DurableWait
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The wait.</summary>
    public Task Task => _source.Task;

    /// <summary>The record is durable.</summary>
    public void TrySetResult() => _source.TrySetResult();

    /// <summary>The journal failed.</summary>
    public void TrySetException(Exception failure) => _source.TrySetException(failure);
}
