using System.Buffers;
using System.Diagnostics.Metrics;
using Amazon.Runtime;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.S3;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>What the adapter and the probe make of servers that misbehave (U9: refused with advice, never downgraded).</summary>
public sealed class ObjectS3FaultTests
{
    private static readonly ObjectKey Key = new("a/b");

    [Fact]
    public async Task Probe_Passes_WhenTheServerBehaves()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.None);
        using var store = Open(server);
        var capabilities = await ProbeAsync(store);
        Assert.False(capabilities.ChecksumsVerified);
    }

    [Theory]
    [InlineData(ObjectS3Fault.IgnoresCondition, "ignores the condition")]
    [InlineData(ObjectS3Fault.IgnoresCondition, "fence=etcd-verify")]
    [InlineData(ObjectS3Fault.RefusesCondition, "lacks a request")]
    [InlineData(ObjectS3Fault.RefusesCondition, "fence=etcd-verify")]
    [InlineData(ObjectS3Fault.DropsMetadata, "x-amz-meta-*")]
    [InlineData(ObjectS3Fault.IgnoresRange, "Range")]
    [InlineData(ObjectS3Fault.Versioned, "versioning")]
    public async Task Probe_RefusesWithAdvice(ObjectS3Fault fault, string advice)
    {
        await using var server = new ObjectS3Double(fault);
        using var store = Open(server);
        var e = await Assert.ThrowsAsync<ObjectStoreException>(async () => await ProbeAsync(store));
        Assert.Equal(ObjectStoreErrorKind.Unsupported, e.Kind);
        Assert.Contains(advice, e.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(ObjectS3Fault.IgnoresCondition)]
    [InlineData(ObjectS3Fault.RefusesCondition)]
    public async Task StoreWithoutConditions_IsTaken_WhenNothingReliesOnThem(ObjectS3Fault fault) // B10
    {
        await using var server = new ObjectS3Double(fault);
        using var store = Open(server, putsConditionally: false);
        await new ObjectStoreProbe(
            store, TimeProvider.System, new Random(7), new ObjectStoreTraits(SlotFence.EtcdVerify)).RunAsync(CancellationToken.None);
        Assert.Equal(PutOutcome.Created, await PutAsync(store));
        Assert.Equal(PutOutcome.Created, await PutAsync(store)); // The condition is not sent at all.
    }

    [Fact]
    public async Task Put_IsUnknown_WhenSuccessHidesAnError()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.ErrorBehindSuccess);
        using var store = Open(server);
        await FailsAsync(ObjectStoreErrorKind.Unknown, () => PutAsync(store));
    }

    [Fact]
    public async Task Put_IsUnknown_WhenTheServerFailsAfterwards_AndTheSecondTryFindsTheObject()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.StoredButFails);
        using var store = Open(server);
        await FailsAsync(ObjectStoreErrorKind.Unknown, () => PutAsync(store));
        server.Fault = ObjectS3Fault.None;
        Assert.Equal(PutOutcome.Exists, await PutAsync(store));
        Assert.Equal(ObjectChecksum.Of([1, 2, 3]), (await store.HeadAsync(Key, CancellationToken.None))!.Value.Crc32C);
    }

    [Fact]
    public async Task Put_IsUnavailable_WhenTheServerThrottles_OrIsNotThere()
    {
        var server = new ObjectS3Double(ObjectS3Fault.SlowDown);
        using var store = Open(server);
        await FailsAsync(ObjectStoreErrorKind.Unavailable, () => PutAsync(store));
        Assert.Equal(1, server.Requests); // The SDK's own retries are off.
        await server.DisposeAsync();
        await FailsAsync(ObjectStoreErrorKind.Unavailable, () => PutAsync(store));
    }

    [Fact]
    public async Task Request_IsUnknownOrUnavailable_WhenTheServerCouldNotReadIt()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.Unreadable);
        using var store = Open(server);
        await FailsAsync(ObjectStoreErrorKind.Unknown, () => PutAsync(store));
        await FailsAsync(ObjectStoreErrorKind.Unavailable, async () => await store.GetAsync(Key, ByteRange.Whole, 10, CancellationToken.None));
    }

    [Fact]
    public async Task Put_IsUnknown_WhenItIsCancelledUnderWay()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.Hangs);
        using var store = Open(server);
        using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await FailsAsync(ObjectStoreErrorKind.Unknown, () => PutAsync(store, cancelled.Token));
    }

    [Fact]
    public async Task Get_IsUnavailable_WhenTheBodyEndsEarly()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.None);
        using var store = Open(server);
        await PutAsync(store);
        server.Fault = ObjectS3Fault.ShortBody;
        await FailsAsync(ObjectStoreErrorKind.Unavailable, async () => await store.GetAsync(Key, ByteRange.Whole, 10, CancellationToken.None));
    }

    [Fact]
    public async Task Meter_CountsBytesAndOutcomes()
    {
        await using var server = new ObjectS3Double(ObjectS3Fault.None);
        using var raw = Open(server);
        using var meter = new Meter($"test-{Guid.NewGuid()}");
        List<string> outcomes = [];
        long bytes = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == meter)
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => outcomes.Add($"{tags[0].Value}:{tags[1].Value}"));
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => bytes += value);
        listener.Start();

        var store = new MeteredObjectStore(raw, meter, TimeProvider.System);
        await PutAsync(store);
        await PutAsync(store);
        await store.GetAsync(Key, ByteRange.Whole, 10, CancellationToken.None);
        await store.HeadAsync(new ObjectKey("absent"), CancellationToken.None);
        server.Fault = ObjectS3Fault.SlowDown;
        await FailsAsync(ObjectStoreErrorKind.Unavailable, async () => await store.DeleteAsync(Key, CancellationToken.None));
        Assert.Equal(["put:ok", "put:exists", "get:ok", "head:absent", "delete:unavailable"], outcomes);
        Assert.Equal(9, bytes);
    }

    private static S3ObjectStore Open(ObjectS3Double server, bool putsConditionally = true) =>
        S3ObjectStore.Create(new S3ObjectStoreOptions
        {
            Bucket = "bucket",
            Endpoint = server.Url,
            UsePathStyle = true,
            Credentials = new BasicAWSCredentials("key", "secret"),
            PutsConditionally = putsConditionally,
        });

    private static ValueTask<ObjectStoreCapabilities> ProbeAsync(IObjectStore store) =>
        new ObjectStoreProbe(store, TimeProvider.System, new Random(7)).RunAsync(CancellationToken.None);

    private static async Task<PutOutcome> PutAsync(IObjectStore store, CancellationToken cancellationToken = default) =>
        await store.PutIfAbsentAsync(Key, new ReadOnlySequence<byte>([1, 2, 3]), ObjectChecksum.Of([1, 2, 3]), cancellationToken);

    private static async Task FailsAsync(ObjectStoreErrorKind kind, Func<Task> call) =>
        Assert.Equal(kind, (await Assert.ThrowsAsync<ObjectStoreException>(call)).Kind);
}
