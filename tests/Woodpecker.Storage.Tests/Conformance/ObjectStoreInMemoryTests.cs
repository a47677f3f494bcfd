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

/// <summary>A store that ignores conditions does everything else, and the probe takes it only with fence=etcd-verify.</summary>
public sealed class ObjectStoreUnconditionalTests : ObjectStoreConformance
{
    protected override ObjectStoreTraits Traits => new(SlotFence.EtcdVerify);

    protected override ValueTask<IObjectStore> OpenAsync() =>
        ValueTask.FromResult<IObjectStore>(new UnconditionalObjectStore(new InMemoryObjectStore(TimeProvider.System)));

    [Fact]
    public async Task Probe_RefusesIt_WhenConditionsAreNeeded_AndNamesTheOption()
    {
        var probe = new ObjectStoreProbe(Store, TimeProvider.System, new Random(1));
        var e = await Assert.ThrowsAsync<ObjectStoreException>(
            async () => await probe.RunAsync(TestContext.Current.CancellationToken));
        Assert.Equal(ObjectStoreErrorKind.Unsupported, e.Kind);
        Assert.Contains("fence=etcd-verify", e.Message, StringComparison.Ordinal);
    }
}
