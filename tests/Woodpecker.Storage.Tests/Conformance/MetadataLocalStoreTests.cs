using Woodpecker.Testing.Metadata;

namespace Woodpecker.Storage.Tests.Conformance;

public sealed class MetadataLocalTransactionTests : MetadataTransactionConformance
{
    protected override ValueTask<MetadataBackend> OpenAsync() => MetadataLocalBackend.OpenAsync();
}

public sealed class MetadataLocalWatchTests : MetadataWatchConformance
{
    protected override ValueTask<MetadataBackend> OpenAsync() => MetadataLocalBackend.OpenAsync();
}

public sealed class MetadataLocalLeaseTests : MetadataLeaseConformance
{
    protected override ValueTask<MetadataBackend> OpenAsync() => MetadataLocalBackend.OpenAsync();
}
