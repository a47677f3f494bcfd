using dotnet_etcd;
using Etcdserverpb;
using Woodpecker.Metadata.Etcd;
using Woodpecker.Storage.Metadata;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>The etcd adapter on a running server.</summary>
internal sealed class EtcdAdapterBackend(EtcdProcess server) : MetadataBackend
{
    private readonly EtcdMetadataStore _store = EtcdFixture.Connect(server);

    public override IMetadataStore Store => _store;

    public override ILeaseStore Leases => _store;

    public override async Task CompactAsync(long revision)
    {
        using var client = new EtcdClient(server.ClientUrl);
        await client.CompactAsync(new CompactionRequest { Revision = revision, Physical = true });
    }

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }
}
