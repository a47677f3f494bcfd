using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Registration;
using Woodpecker.Storage.S3;

namespace Woodpecker.Storage.Tests.Conformance;

public sealed class ObjectStoreConnectionTests
{
    [Theory]
    [InlineData(null, "is empty")]
    [InlineData(" ", "is empty")]
    [InlineData("objects", "not a URI")]
    [InlineData("/var/lib/objects", "not a URI")]
    [InlineData("ftp://host/x", "has the scheme 'ftp'; known are file, s3")]
    [InlineData("file://host/x", "names the host 'host'")]
    [InlineData("file:///", "root of the disk")]
    [InlineData("file:///x?a=b", "parameter 'a'")]
    [InlineData("s3:///prefix", "no bucket")]
    [InlineData("s3://key:secret@bucket/x", "holds credentials")]
    [InlineData("s3://bucket?accessKey=x", "holds credentials")]
    [InlineData("s3://bucket:9000/x", "endpoint=")]
    [InlineData("s3://bucket/Upper", "prefix 'Upper'")]
    [InlineData("s3://bucket?endpoint=host", "endpoint 'host'")]
    [InlineData("s3://bucket?pathStyle=yes", "pathStyle=yes")]
    [InlineData("s3://bucket?region=a&region=b", "gives 'region' twice")]
    [InlineData("s3://bucket?retries=4", "parameter 'retries'")]
    [InlineData("s3://bucket?region", "without a value")]
    [InlineData("s3://bucket?fence=none", "says fence=none; write fence=conditional or fence=etcd-verify")]
    [InlineData("file:///x?fence=", "says fence=")]
    public void WrongString_GivesOneSentence(string? text, string expected)
    {
        var e = Assert.Throws<ObjectStoreException>(() =>
            new ServiceCollection().AddObjectStore(text, static schemes => schemes.AddFile().AddS3()));
        Assert.Equal(ObjectStoreErrorKind.Invalid, e.Kind);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.StartsWith("The connection string of the object store ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void S3String_IsReadCompletely()
    {
        var options = S3ObjectStoreSchemesExtensions.Read(ObjectStoreConnection.Parse(
            "s3://my.bucket/a/b?endpoint=http://127.0.0.1:8480&region=eu-central-1&pathStyle=false"));
        Assert.Equal(("my.bucket", "a/b", "eu-central-1", false), (options.Bucket, options.Prefix, options.Region!, options.UsePathStyle));
        Assert.Equal(new Uri("http://127.0.0.1:8480"), options.Endpoint);
        Assert.True(S3ObjectStoreSchemesExtensions.Read(ObjectStoreConnection.Parse("s3://b?endpoint=https://host")).UsePathStyle);
        Assert.False(S3ObjectStoreSchemesExtensions.Read(ObjectStoreConnection.Parse("s3://b?region=x")).UsePathStyle);
    }

    [Theory]
    [InlineData("s3://b?region=x", SlotFence.Conditional)]
    [InlineData("s3://b?region=x&fence=conditional", SlotFence.Conditional)]
    [InlineData("s3://b?region=x&fence=etcd-verify", SlotFence.EtcdVerify)]
    public void Fence_IsPartOfTheString(string text, SlotFence fence)
    {
        var connection = ObjectStoreConnection.Parse(text);
        Assert.Equal(fence, connection.Traits.Fence);
        Assert.Equal(fence == SlotFence.Conditional, S3ObjectStoreSchemesExtensions.Read(connection).PutsConditionally);
        var services = new ServiceCollection();
        services.AddObjectStore(text, static schemes => schemes.AddS3());
        Assert.Equal(new ObjectStoreTraits(fence), services.BuildServiceProvider().GetRequiredService<ObjectStoreTraits>());
    }

    [Fact]
    public async Task FileString_OpensAStoreAndItsProbe()
    {
        var folder = Directory.CreateTempSubdirectory("woodpecker-di-").FullName;
        try
        {
            var services = new ServiceCollection();
            services.AddObjectStore($"file://{folder}/objects", static schemes => schemes.AddFile());
            await using var provider = services.BuildServiceProvider();
            var capabilities = await provider.GetRequiredService<ObjectStoreProbe>().RunAsync(CancellationToken.None);
            Assert.True(capabilities.ChecksumsVerified);
            Assert.IsType<RetryingObjectStore>(provider.GetRequiredService<IObjectStore>());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
