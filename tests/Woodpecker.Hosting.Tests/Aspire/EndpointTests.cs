using Aspire.Hosting.Testing;

namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class EndpointTests
{
    [Fact]
    public void Endpoint_OfTheSameName_IsChangedByCallback_NotAdded()
    {
        using var builder = TestApplication.Create();
        var script = builder.AddScript("one", "true").WithHttpEndpoint(1000, 1000, "app", isProxied: false)
            .WithEndpoint("app", e => e.Transport = "http2");

        var endpoint = Assert.Single(script.Resource.Annotations.OfType<EndpointAnnotation>());
        Assert.Equal(("app", 1000, "http2", false),
            (endpoint.Name, endpoint.Port, endpoint.Transport, endpoint.IsProxied));
    }

    [Fact]
    public void Endpoint_IsNotCreatedByCallback_WhenToldNotTo()
    {
        using var builder = TestApplication.Create();
        var script = builder.AddScript("one", "true")
            .WithEndpoint("none", _ => throw new InvalidOperationException(), createIfNotExists: false);

        Assert.Empty(script.Resource.Annotations.OfType<EndpointAnnotation>());
    }

    [Fact]
    public async Task Endpoint_WithoutPort_GetsAFreeOne_AndSaysItInTheVariable()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", "echo port=$PORT; sleep 60").WithHttpEndpoint(env: "PORT", isProxied: false);

        await using var app = await builder.StartAsync();

        var line = await app.WaitForLineAsync("one", l => l.StartsWith("port=", StringComparison.Ordinal));
        Assert.Equal(app.GetEndpoint("one", "http").Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            line["port=".Length..]);
    }

    [Fact]
    public async Task Properties_OfAnEndpoint_AreItsParts()
    {
        using var builder = TestApplication.Create();
        var endpoint = builder.AddScript("one", "true").WithHttpEndpoint(name: "app").Allocated(5003)
            .GetEndpoint("app");

        async Task<string?> Value(EndpointProperty property) => await endpoint.Property(property)
            .GetValueAsync(TestApplication.Soon);
        Assert.Equal("http://localhost:5003", await Value(EndpointProperty.Url));
        Assert.Equal("localhost", await Value(EndpointProperty.Host));
        Assert.Equal("127.0.0.1", await Value(EndpointProperty.IPV4Host));
        Assert.Equal("5003", await Value(EndpointProperty.Port));
        Assert.Equal("http", await Value(EndpointProperty.Scheme));
        Assert.Equal("localhost:5003", await Value(EndpointProperty.HostAndPort));
    }

    [Fact]
    public void Endpoint_ThatIsNotThere_IsNamedInTheError()
    {
        using var builder = TestApplication.Create();
        var endpoint = builder.AddScript("one", "true").GetEndpoint("gone");

        Assert.False(endpoint.Exists);
        Assert.Contains("gone", Assert.Throws<InvalidOperationException>(() => endpoint.Url).Message,
            StringComparison.Ordinal);
    }
}
