using Woodpecker.Storage.Replicas;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Replica.Uploading;

/// <summary>This replica's copy of a sealed segment as an upload reads it; the uploader verifies every byte (U3).</summary>
internal sealed class CopyFrameSource(ReplicaStore store, SegmentKey key, ReadOnlyMemory<byte> header) : IFrameSource
{
    public ReadOnlyMemory<byte> Header { get; } = header;

    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        EntryId first, EntryId last, CancellationToken cancellationToken) =>
        store.ReadFramesAsync(key, first, last, cancellationToken);
}
