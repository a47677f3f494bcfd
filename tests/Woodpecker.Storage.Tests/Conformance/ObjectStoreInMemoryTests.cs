using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Conformance;

public sealed class ObjectStoreInMemoryTests : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenAsync() =>
        ValueTask.FromResult<IObjectStore>(new InMemoryObjectStore(TimeProvider.System));
}

/// <summary>The fault wrapper without a planted fault changes nothing.</summary>
public sealed class ObjectStoreFaultlessTests : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenAsync() =>
        ValueTask.FromResult<IObjectStore>(new FaultingObjectStore(new InMemoryObjectStore(TimeProvider.System)));
}
