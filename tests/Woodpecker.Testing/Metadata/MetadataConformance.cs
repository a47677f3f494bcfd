using System.Text;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Testing.Metadata;

/// <summary>What the suites of the metadata port share: an open backend and keys of one's own.</summary>
public abstract class MetadataConformance : IAsyncLifetime
{
    private MetadataBackend? _backend;

    protected MetadataBackend Backend => _backend ?? throw new InvalidOperationException("Not opened.");

    protected IMetadataStore Store => Backend.Store;

    protected ILeaseStore Leases => Backend.Leases;

    /// <summary>Prefix of this test's keys; tests may share a store.</summary>
    protected string Root { get; } = $"t{Guid.NewGuid():N}/";

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _backend = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_backend is not null)
            await _backend.DisposeAsync();
    }

    /// <summary>Opens the implementation; skips the test when it is not present on this machine.</summary>
    protected abstract ValueTask<MetadataBackend> OpenAsync();

    protected static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(MetadataEntry? entry) =>
        Encoding.UTF8.GetString(Assert.IsType<MetadataEntry>(entry).Value.Span);

    protected string Key(string name) => Root + name;

    protected ValueTask<MetadataEntry?> GetAsync(string name) => Store.GetAsync(Key(name), Stop);

    protected ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction) =>
        Store.CommitAsync(transaction, Stop);

    protected async Task<long> PutAsync(string name, string value, long leaseId = 0)
    {
        var outcome = await CommitAsync(new MetadataTransaction().Put(Key(name), Bytes(value), leaseId));
        Assert.True(outcome.Succeeded);
        return outcome.Revision;
    }

    protected async Task<long> DeleteAsync(string name) =>
        (await CommitAsync(new MetadataTransaction().Delete(Key(name)))).Revision;

    protected static async Task AssertKindAsync(MetadataErrorKind expected, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<MetadataException>(call);
        Assert.Equal(expected, failure.Kind);
    }
}
