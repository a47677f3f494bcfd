using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Tests.Files;

namespace Woodpecker.Storage.Tests.Rollback;

/// <summary>The local store, whose directory can be put back to a copy made earlier, or emptied: what a restore of etcd does.</summary>
internal sealed class RestorableMetadata : IMetadataStore, ILeaseStore, IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TempDirectory _snapshot = new();
    private LocalMetadataStore _store = null!;

    public static async Task<RestorableMetadata> OpenAsync()
    {
        var metadata = new RestorableMetadata();
        await metadata.OpenStoreAsync();
        return metadata;
    }

    /// <summary>Awaited before each commit is sent.</summary>
    public Func<MetadataTransaction, Task>? BeforeCommit { get; set; }

    public async Task SnapshotAsync()
    {
        await _store.DisposeAsync();
        Copy(_directory.Path, _snapshot.Path);
        await OpenStoreAsync();
    }

    public async Task RestoreAsync()
    {
        await _store.DisposeAsync();
        Copy(_snapshot.Path, _directory.Path);
        await OpenStoreAsync();
    }

    public async Task EmptyAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory.Path, recursive: true);
        await OpenStoreAsync();
    }

    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) => _store.GetAsync(key, cancellationToken);

    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) => _store.ListAsync(prefix, cancellationToken);

    public async ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        if (BeforeCommit is { } before)
            await before(transaction);
        return await _store.CommitAsync(transaction, cancellationToken);
    }

    public IAsyncEnumerable<MetadataChange> WatchAsync(string prefix, long afterRevision, CancellationToken cancellationToken) =>
        _store.WatchAsync(prefix, afterRevision, cancellationToken);

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) =>
        _store.GrantLeaseAsync(timeToLive, cancellationToken);

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken) =>
        _store.KeepLeaseAliveAsync(leaseId, cancellationToken);

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) => _store.RevokeLeaseAsync(leaseId, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
        _snapshot.Dispose();
    }

    private async Task OpenStoreAsync() => _store = await LocalMetadataStore.OpenAsync(
        new LocalMetadataStoreOptions { Directory = _directory.Path, SyncsWrites = false }, TestContext.Current.CancellationToken);

    private static void Copy(string from, string to)
    {
        Directory.Delete(to, recursive: true);
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
