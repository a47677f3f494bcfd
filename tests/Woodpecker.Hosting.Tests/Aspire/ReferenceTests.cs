namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class ReferenceTests
{
    [Fact]
    public async Task Project_IsReferenced_InBothForms_WithDashesEncoded()
    {
        using var builder = TestApplication.Create();
        var service = builder.AddProject<Projects.Woodpecker_Hosting_TestService>("my-service", launchProfileName: null)
            .WithHttpEndpoint(name: "http").WithHttpEndpoint(name: "app-port").Allocated(5001);
        var user = builder.AddScript("user", "true").WithReference(service);

        var environment = await user.Resource.EnvironmentAsync(builder);

        Assert.Equal("http://localhost:5001", environment["services__my-service__http__0"]);
        Assert.Equal("http://localhost:5001", environment["services__my-service__app-port__0"]);
        Assert.Equal("http://localhost:5001", environment["MY_SERVICE_HTTP"]);
        Assert.Equal("http://localhost:5001", environment["MY_SERVICE_APP_PORT"]);
    }

    [Fact]
    public async Task Endpoint_IsReferenced_Alone()
    {
        using var builder = TestApplication.Create();
        var service = builder.AddProject<Projects.Woodpecker_Hosting_TestService>("service", launchProfileName: null)
            .WithHttpEndpoint(name: "one").WithHttpEndpoint(name: "two").Allocated(5001);
        var user = builder.AddScript("user", "true").WithReference(service.GetEndpoint("two"));

        var environment = await user.Resource.EnvironmentAsync(builder);

        Assert.True(environment.ContainsKey("services__service__two__0"));
        Assert.False(environment.ContainsKey("services__service__one__0"));
    }

    [Fact]
    public async Task Address_IsReferenced_ByName()
    {
        using var builder = TestApplication.Create();
        var user = builder.AddScript("user", "true").WithReference("other", new Uri("https://example.com/"));

        Assert.Equal("https://example.com/",
            (await user.Resource.EnvironmentAsync(builder))["services__other__default__0"]);
        Assert.Throws<InvalidOperationException>(() => user.WithReference("more", new Uri("https://example.com/path")));
    }

    [Fact]
    public async Task ConnectionString_IsPassedOn_UnderItsName_OrAnother()
    {
        using var builder = TestApplication.Create();
        builder.Configuration["ConnectionStrings:store"] = "http://host:1";
        var store = builder.AddConnectionString("store");
        var user = builder.AddScript("user", "true").WithReference(store).WithReference(store, "metadata");

        var environment = await user.Resource.EnvironmentAsync(builder);

        Assert.Equal("http://host:1", environment["ConnectionStrings__store"]);
        Assert.Equal("http://host:1", environment["ConnectionStrings__metadata"]);
    }

    [Fact]
    public async Task ConnectionString_MayBeAnExpression_OfAnEndpoint()
    {
        using var builder = TestApplication.Create();
        var server = builder.AddScript("server", "true").WithHttpEndpoint(name: "client").Allocated(5002);
        var store = builder.AddConnectionString("store",
            ReferenceExpression.Create($"http://{server.GetEndpoint("client").Property(EndpointProperty.HostAndPort)}"));

        Assert.Equal("http://localhost:5002", (await builder.AddScript("user", "true").WithReference(store).Resource
            .EnvironmentAsync(builder))["ConnectionStrings__store"]);
    }

    [Fact]
    public async Task ConnectionString_WhenMissing_FailsTheResource_UnlessOptional()
    {
        using var builder = TestApplication.Create();
        var store = builder.AddConnectionString("store");
        builder.AddScript("demanding", "sleep 60").WithReference(store);
        builder.AddScript("easy", "sleep 60").WithReference(store, optional: true);

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("demanding", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
        await app.ResourceNotifications.WaitForResourceAsync("easy", KnownResourceStates.Running, TestApplication.Soon);
    }
}
