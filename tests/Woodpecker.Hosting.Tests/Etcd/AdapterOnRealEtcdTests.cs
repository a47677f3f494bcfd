using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

public sealed class AdapterTransactionsOnRealEtcdTests(RealEtcdFixture fixture)
    : MetadataTransactionConformance, IClassFixture<RealEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}

public sealed class AdapterWatchesOnRealEtcdTests(RealEtcdFixture fixture)
    : MetadataWatchConformance, IClassFixture<RealEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}

public sealed class AdapterLeasesOnRealEtcdTests(RealEtcdFixture fixture)
    : MetadataLeaseConformance, IClassFixture<RealEtcdFixture>
{
    protected override ValueTask<MetadataBackend> OpenAsync() => fixture.OpenAdapterAsync();
}
