using System.Buffers;
using Amazon.Runtime;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.S3;
using Woodpecker.Testing.Objects;

[assembly: AssemblyFixture(typeof(Woodpecker.Storage.Tests.Conformance.ObjectStoreS3Server))]

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>The suite against a real server.</summary>
public sealed class ObjectStoreS3Tests(ObjectStoreS3Server server) : ObjectStoreConformance
{
    protected override async ValueTask<IObjectStore> OpenAsync() => S3ObjectStore.Create(await server.OptionsAsync());

    [Fact]
    public async Task LargePut_StaysConditional_WhenTheServerIgnoresTheConditionOnParts()
    {
        using var store = S3ObjectStore.Create((await server.OptionsAsync()) with { MultipartThreshold = 6_000_000, PartSize = 5 * 1024 * 1024 });
        var (key, first, second) = (new ObjectKey("parts"), Bytes(12_000_000), Bytes(12_000_000));
        Assert.Equal(PutOutcome.Created, await PutToAsync(store, key, first));
        Assert.Equal(PutOutcome.Exists, await PutToAsync(store, key, second));
        var data = await store.GetAsync(key, ByteRange.Whole, 12_000_000, CancellationToken.None);
        Assert.True(data!.Value.Bytes.Span.SequenceEqual(first));
        Assert.Equal(ObjectChecksum.Of(first), (await store.HeadAsync(key, CancellationToken.None))!.Value.Crc32C);
    }

    [Fact]
    public async Task WrongKeys_AreDenied()
    {
        using var store = S3ObjectStore.Create((await server.OptionsAsync()) with { Credentials = new BasicAWSCredentials("AKWOODPECKER", "wrong") });
        await FailsAsync(ObjectStoreErrorKind.Denied, async () => await PutToAsync(store, new ObjectKey("x"), [1]));
        await FailsAsync(ObjectStoreErrorKind.Denied, async () => await store.GetAsync(new ObjectKey("x"), ByteRange.Whole, 1, CancellationToken.None));
        await FailsAsync(ObjectStoreErrorKind.Denied, async () => await new ObjectStoreProbe(store, TimeProvider.System, new Random(1)).RunAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(5_000)]
    public async Task RefusedPuts_LeaveTheirConnectionsUsable(int length)
    {
        using var store = S3ObjectStore.Create((await server.OptionsAsync()) with { Credentials = new BasicAWSCredentials("AKWOODPECKER", "wrong") });
        for (var i = 0; i < 30; i++)
        {
            await FailsAsync(ObjectStoreErrorKind.Denied, async () => await PutToAsync(store, new ObjectKey("x"), Bytes(length)));
            await FailsAsync(ObjectStoreErrorKind.Denied, async () => await store.GetAsync(new ObjectKey("x"), ByteRange.Whole, 1, CancellationToken.None));
        }
    }

    [Fact]
    public async Task AMissingBucket_IsAnErrorNotAnAbsentObject()
    {
        using var store = S3ObjectStore.Create((await server.OptionsAsync()) with { Bucket = "no-such-bucket" });
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await store.GetAsync(new ObjectKey("x"), ByteRange.Whole, 1, CancellationToken.None));
        await FailsAsync(ObjectStoreErrorKind.Invalid, async () => await PutToAsync(store, new ObjectKey("x"), [1]));
    }

    [Fact]
    public async Task Prefixes_KeepStoresApart()
    {
        var options = await server.OptionsAsync();
        using var one = S3ObjectStore.Create(options);
        using var other = S3ObjectStore.Create(options with { Prefix = options.Prefix + "0" });
        await PutToAsync(one, new ObjectKey("k"), [1]);
        Assert.Null(await other.HeadAsync(new ObjectKey("k"), CancellationToken.None));
        await foreach (var info in other.ListAsync("", null, CancellationToken.None))
            Assert.Fail($"'{info.Key}' belongs to another prefix.");
    }

    private static ValueTask<PutOutcome> PutToAsync(S3ObjectStore store, ObjectKey key, byte[] content) =>
        store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content), CancellationToken.None);
}
