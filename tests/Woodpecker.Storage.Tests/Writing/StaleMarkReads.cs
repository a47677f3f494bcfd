using Woodpecker.Storage.Metadata;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>A metadata store whose reads of the slot mark answer what stood there when this was made (etcd#20418).</summary>
internal sealed class StaleMarkReads(IMetadataStore inner, LogId log) : IMetadataStore
{
    private readonly Task<MetadataEntry?> _old = inner.GetAsync(MetadataKeys.SlotMark(log), CancellationToken.None).AsTask();

    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) =>
        key == MetadataKeys.SlotMark(log) ? new ValueTask<MetadataEntry?>(_old) : inner.GetAsync(key, cancellationToken);

    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken) =>
        inner.CommitAsync(transaction, cancellationToken);

    public IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, CancellationToken cancellationToken) =>
        inner.WatchAsync(prefix, afterRevision, cancellationToken);
}
