using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

public sealed class AdapterTransactionsOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture)
    : MetadataTransactionConformance, IClassFixture<EmbeddedEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}

public sealed class AdapterWatchesOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture)
    : MetadataWatchConformance, IClassFixture<EmbeddedEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}

public sealed class AdapterLeasesOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture)
    : MetadataLeaseConformance, IClassFixture<EmbeddedEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}
