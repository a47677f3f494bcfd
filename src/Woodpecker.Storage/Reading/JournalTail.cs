using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Reading;

/// <summary>The store of this process as a source of entries: the embedded mode, an ensemble of one.</summary>
/// <param name="store">The store; owned by the caller.</param>
public sealed class JournalTail(ReplicaStore store) : ITailSource
{
    /// <inheritdoc/>
    public ValueTask<TailAnswer> ReadAsync(TailRequest request, CancellationToken cancellationToken) =>
        store.Self.IsSameStore(request.Member)
            ? store.ReadTailAsync(request.Segment, request.First, request.MaxBytes, request.Wait, cancellationToken)
            : ValueTask.FromResult(TailAnswer.Failed(
                TailAnswerKind.Unavailable, $"segment {request.Segment} lives in store {request.Member}, not here"));
}
