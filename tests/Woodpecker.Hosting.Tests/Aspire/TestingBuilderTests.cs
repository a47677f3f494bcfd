using Aspire.Hosting.Testing;
using Microsoft.Extensions.Hosting;

namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class TestingBuilderTests
{
    [Fact]
    public async Task EntryPoint_Runs_AndTheTestStartsAndStops()
    {
        await using var builder =
            await DistributedApplicationTestingBuilder.CreateAsync<Projects.Woodpecker_Hosting_TestHost>(
            ["--Given=by the test"], TestApplication.Soon);
        Assert.True(builder.Environment.IsDevelopment());
        Assert.Equal("true", builder.Configuration["DcpPublisher:RandomizePorts"]);
        Assert.Equal("Woodpecker.Hosting.TestHost", Path.GetFileName(builder.AppHostDirectory));
        Assert.Contains(builder.Resources, r => r.Name == "service");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", TestApplication.Soon);
        using var client = app.CreateHttpClient("service", "http");
        Assert.Contains("by the test", await client.GetStringAsync("/environment"), StringComparison.Ordinal);

        await app.StopAsync(TestApplication.Soon);

        Assert.NotEqual(KnownResourceStates.Running, app.State("service"));
    }

    [Fact]
    public async Task TwoApplications_RunBesideEachOther()
    {
        var ports = await Task.WhenAll(Enumerable.Range(0, 2).Select(async i =>
        {
            await using var builder =
                await DistributedApplicationTestingBuilder.CreateAsync<Projects.Woodpecker_Hosting_TestHost>(
                [$"--Given=number {i}"], TestApplication.Soon);
            await using var app = await builder.StartAsync();
            await app.ResourceNotifications.WaitForResourceHealthyAsync("service", TestApplication.Soon);
            using var client = app.CreateHttpClient("service");
            Assert.Contains($"number {i}", await client.GetStringAsync("/environment"), StringComparison.Ordinal);
            return app.GetEndpoint("service").Port;
        }));

        Assert.NotEqual(ports[0], ports[1]);
    }

    [Fact]
    public async Task EntryPoint_ThatThrows_SurfacesInCreate()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() => DistributedApplicationTestingBuilder
            .CreateAsync<Projects.Woodpecker_Hosting_TestHost>(["--Scenario=crash"], TestApplication.Soon));

        Assert.Contains("The model is broken.", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EntryPoint_ThatBuildsNothing_SurfacesInCreate() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => DistributedApplicationTestingBuilder
            .CreateAsync<Projects.Woodpecker_Hosting_TestHost>(["--Scenario=no-build"], TestApplication.Soon));

    [Fact]
    public async Task TypeWithoutEntryPoint_IsRefused() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            DistributedApplicationTestingBuilder.CreateAsync<Uri>([], TestApplication.Soon));

    [Fact]
    public async Task Model_IsStillOpen_AfterTheEntryPointHasMadeIt()
    {
        await using var builder =
            await DistributedApplicationTestingBuilder.CreateAsync<Projects.Woodpecker_Hosting_TestHost>([],
            TestApplication.Soon);
        builder.AddScript("extra", "sleep 60");

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("extra", KnownResourceStates.Running,
            TestApplication.Soon);
    }

    [Fact]
    public async Task Client_IsRefused_BeforeTheStart_AndForWhatIsNotThere()
    {
        await using var builder =
            await DistributedApplicationTestingBuilder.CreateAsync<Projects.Woodpecker_Hosting_TestHost>([],
            TestApplication.Soon);
        await using var app = await builder.BuildAsync(TestApplication.Soon);
        Assert.Throws<InvalidOperationException>(() => app.CreateHttpClient("service"));

        await app.StartAsync(TestApplication.Soon);

        Assert.Throws<ArgumentException>(() => app.CreateHttpClient("nobody"));
        Assert.Throws<ArgumentException>(() => app.CreateHttpClient("service", "nothing"));
    }

    [Fact]
    public async Task Builder_ThatIsNeverBuilt_LeavesNothing()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Woodpecker_Hosting_TestHost>([],
            TestApplication.Soon);
        await builder.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => builder.BuildAsync(TestApplication.Soon));
    }
}
