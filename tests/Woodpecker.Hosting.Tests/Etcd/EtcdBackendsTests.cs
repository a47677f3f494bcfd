using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Metadata.Etcd;
using Woodpecker.Storage.Metadata;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>Says which servers the suites ran on, so that a green run cannot hide a missing half.</summary>
public sealed class EtcdBackendsTests(ITestOutputHelper output)
{
    [Fact]
    public void RealEtcd_IsPresent_WhenRequired()
    {
        output.WriteLine($"embedded: {string.Join(' ', EtcdBinary.Embedded.FirstArguments)}");
        output.WriteLine($"real: {EtcdBinary.Real?.FileName ?? "none on PATH"}; required: {EtcdBinary.IsRealRequired}");
        Assert.True(File.Exists(EtcdBinary.Embedded.FirstArguments[^1]));
        Assert.True(EtcdBinary.Real is not null || !EtcdBinary.IsRealRequired);
    }

    [Fact]
    public async Task AddEtcdMetadata_RegistersOneStoreForBothPorts_WithoutDialling()
    {
        var services = new ServiceCollection().AddEtcdMetadata("http://127.0.0.1:1");
        await using var provider = services.BuildServiceProvider();
        var store = provider.GetRequiredService<IMetadataStore>();
        Assert.Same(store, provider.GetRequiredService<ILeaseStore>());
        var refused = await Assert.ThrowsAsync<MetadataException>(async () =>
            await store.GetAsync("a", TestContext.Current.CancellationToken));
        Assert.Equal(MetadataErrorKind.Unavailable, refused.Kind);
        var commit = await Assert.ThrowsAsync<MetadataException>(async () =>
            await store.CommitAsync(new MetadataTransaction().Put("a", default), TestContext.Current.CancellationToken));
        Assert.Equal(MetadataErrorKind.Unavailable, commit.Kind);
        Assert.Throws<ArgumentException>(() => services.AddEtcdMetadata("nonsense"));
    }

    [Theory]
    [InlineData("http://127.0.0.1:2379", 1, "")]
    [InlineData("http://a:2379, http://b:2379", 2, "")]
    [InlineData("http://[::1]:2379;prefix=team/a/", 1, "team/a/")]
    [InlineData("http://a:80", 1, "")]
    public void ConnectionString_IsRead(string text, int endpoints, string prefix)
    {
        var parsed = EtcdConnectionString.Parse(text);
        Assert.Equal((endpoints, prefix), (parsed.Endpoints.Count, parsed.Prefix));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("127.0.0.1:2379")]
    [InlineData("http://a")]
    [InlineData("https://a:2379")]
    [InlineData("http://user@a:2379")]
    [InlineData("http://a:2379/path")]
    [InlineData("http://a:2379;prefix=x")]
    [InlineData("http://a:2379;tls=true")]
    [InlineData(",")]
    public void BadConnectionString_IsRefused_WithOneSentence(string? text)
    {
        Assert.False(EtcdConnectionString.TryParse(text, out _, out var problem));
        Assert.EndsWith(".", problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem);
    }
}
