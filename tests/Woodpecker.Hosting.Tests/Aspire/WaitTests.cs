namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class WaitTests
{
    [Fact]
    public async Task WaitFor_HoldsTheDependent_UntilTheDependencyIsHealthy()
    {
        using var health = new HealthSwitch();
        using var builder = TestApplication.Create();
        var first = builder.AddScript("first", "sleep 60").WithHttpEndpoint(health.Port, health.Port, isProxied: false)
            .WithHttpHealthCheck("/health");
        builder.AddScript("second", "sleep 60").WaitFor(first);

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("second", KnownResourceStates.Waiting,
            TestApplication.Soon);
        await app.ResourceNotifications.WaitForResourceAsync("first", e =>
            e.Snapshot.HealthReports.Any(r => r.Status is not null), TestApplication.Soon);
        Assert.Equal(KnownResourceStates.Waiting, app.State("second"));

        health.IsHealthy = true;

        await app.ResourceNotifications.WaitForResourceAsync("second", KnownResourceStates.Running,
            TestApplication.Soon);
    }

    [Fact]
    public async Task WaitFor_HoldsTheDependent_UntilTheHandlersOfReadyAreDone()
    {
        using var builder = TestApplication.Create();
        var gate = new TaskCompletionSource();
        var first = builder.AddScript("first", "sleep 60").OnResourceReady((_, _, _) => gate.Task);
        builder.AddScript("second", "sleep 60").WaitFor(first);

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("first", KnownResourceStates.Running,
            TestApplication.Soon);
        Assert.Equal(KnownResourceStates.Waiting, app.State("second"));

        gate.SetResult();

        await app.ResourceNotifications.WaitForResourceAsync("second", KnownResourceStates.Running,
            TestApplication.Soon);
    }

    [Fact]
    public async Task WaitForStart_IsSatisfied_ByAnUnhealthyResource()
    {
        using var health = new HealthSwitch();
        using var builder = TestApplication.Create();
        var first = builder.AddScript("first", "sleep 60").WithHttpEndpoint(health.Port, health.Port, isProxied: false)
            .WithHttpHealthCheck("/health");
        builder.AddScript("second", "sleep 60").WaitForStart(first);

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("second", KnownResourceStates.Running,
            TestApplication.Soon);
    }

    [Fact]
    public async Task WaitForCompletion_StartsTheDependent_OnTheExpectedExitCode_AndFailsItOnAnother()
    {
        using var builder = TestApplication.Create();
        var ended = builder.AddScript("ended", "exit 3");
        builder.AddScript("content", "sleep 60").WaitForCompletion(ended, exitCode: 3);
        builder.AddScript("disappointed", "sleep 60").WaitForCompletion(ended);

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("content", KnownResourceStates.Running,
            TestApplication.Soon);
        await app.ResourceNotifications.WaitForResourceAsync("disappointed", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
    }

    [Fact]
    public async Task FailedDependency_FailsTheDependent_OrIsWaitedFor_AsTheBehaviourSays()
    {
        using var builder = TestApplication.Create();
        var broken = builder.AddExecutable("broken", "no-such-program", "/");
        builder.AddScript("strict", "sleep 60").WaitFor(broken, WaitBehavior.StopOnResourceUnavailable);
        builder.AddScript("patient", "sleep 60").WaitFor(broken, WaitBehavior.WaitOnResourceUnavailable);

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("strict", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
        Assert.Equal(KnownResourceStates.Waiting, app.State("patient"));
    }

    [Fact]
    public async Task WaitForHealthy_Throws_WhenTheResourceHasEnded()
    {
        using var builder = TestApplication.Create();
        builder.AddExecutable("broken", "no-such-program", "/");

        await using var app = await builder.StartAsync();

        await Assert.ThrowsAsync<DistributedApplicationException>(() =>
            app.ResourceNotifications.WaitForResourceHealthyAsync(
            "broken", WaitBehavior.StopOnResourceUnavailable, TestApplication.Soon));
    }

    [Fact]
    public void NoResource_WaitsForItself_OrItsParent()
    {
        using var builder = TestApplication.Create();
        var parent = builder.AddScript("parent", "true");
        var child = builder.AddScript("child", "true").WithParentRelationship(parent.Resource);

        Assert.Throws<DistributedApplicationException>(() => parent.WaitFor(parent));
        Assert.Throws<DistributedApplicationException>(() => child.WaitFor(parent));
    }

    [Fact]
    public async Task HealthyResource_BecomesUnhealthy_AndHealthyAgain()
    {
        using var health = new HealthSwitch { IsHealthy = true };
        using var builder = TestApplication.Create();
        builder.AddScript("one", "sleep 60").WithHttpEndpoint(health.Port, health.Port, isProxied: false)
            .WithHttpHealthCheck("/health");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);
        health.IsHealthy = false;
        await app.ResourceNotifications.WaitForResourceAsync("one", e =>
            e.Snapshot.HealthReports.Any(r =>
            r.Status == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Unhealthy),
            TestApplication.Soon);

        health.IsHealthy = true;

        await app.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);
    }
}
