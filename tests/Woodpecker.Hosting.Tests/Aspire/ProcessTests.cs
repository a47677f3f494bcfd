using System.Text.Json;
using Aspire.Hosting.Testing;

namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class ProcessTests
{
    [Fact]
    public async Task Project_GetsAddressesAndDefaults_AndRunsInItsDirectory()
    {
        using var builder = TestApplication.Create();
        var project = builder.AddProject<Projects.Woodpecker_Hosting_TestService>("service", launchProfileName: null)
            .WithHttpEndpoint().WithHttpHealthCheck("/health").WithArgs("--one", "two words")
                .WithEnvironment("GIVEN", "value");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", TestApplication.Soon);
        using var client = app.CreateHttpClient("service");

        var environment = JsonSerializer.Deserialize<Dictionary<string,
            string>>(await client.GetStringAsync("/environment"))!;
        Assert.Equal("value", environment["GIVEN"]);
        Assert.Equal("service", environment["OTEL_SERVICE_NAME"]);
        Assert.Contains($":{project.GetEndpoint("http").TargetPort}", environment["ASPNETCORE_URLS"],
            StringComparison.Ordinal);
        Assert.False(environment.ContainsKey("DOTNET_LAUNCH_PROFILE"));
        Assert.Equal(["--one", "two words"],
            JsonSerializer.Deserialize<string[]>(await client.GetStringAsync("/arguments"))!);
        Assert.Equal(Path.GetDirectoryName(new Projects.Woodpecker_Hosting_TestService().ProjectPath),
            await client.GetStringAsync("/directory"));
    }

    [Fact]
    public async Task Project_GetsNoAddresses_WhenItsEndpointsAreFilteredOut()
    {
        using var builder = TestApplication.Create();
        var port = TestApplication.FreePort();
        builder.AddProject<Projects.Woodpecker_Hosting_TestService>("service", launchProfileName: null)
            .WithHttpEndpoint(port, port, isProxied: false).WithEndpointsInEnvironment(_ => false)
                .WithHttpHealthCheck("/health")
            .WithArgs($"--urls=http://localhost:{port}");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", TestApplication.Soon);
        using var client = app.CreateHttpClient("service");

        Assert.DoesNotContain("ASPNETCORE_URLS", await client.GetStringAsync("/environment"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task Process_ThatEndsByItself_IsFinished_WithItsExitCode(int code)
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", $"echo done; exit {code}");

        await using var app = await builder.StartAsync();
        var end = await app.ResourceNotifications.WaitForResourceAsync("one", e =>
            KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text), TestApplication.Soon);

        Assert.Equal((KnownResourceStates.Finished, code), (end.Snapshot.State?.Text, end.Snapshot.ExitCode));
        await app.WaitForLineAsync("one", l => l == "done");
    }

    [Fact]
    public async Task Process_ThatIsNotThere_FailsToStart()
    {
        using var builder = TestApplication.Create();
        builder.AddExecutable("one", "no-such-program", "/");
        builder.AddExecutable("two", "sh", "/no/such/folder");

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("one", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
        await app.ResourceNotifications.WaitForResourceAsync("two", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
    }

    [Fact]
    public async Task Project_WhoseFileIsMissing_FailsToStart()
    {
        using var builder = TestApplication.Create();
        builder.AddProject("one", "/no/such/project.csproj", launchProfileName: null);

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("one", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
    }

    [Fact]
    public async Task Callback_ThatThrows_FailsItsResourceAlone()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("broken", "sleep 60").WithEnvironment(_ =>
            throw new InvalidOperationException("No value today."));
        builder.AddScript("whole", "sleep 60");

        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("broken", KnownResourceStates.FailedToStart,
            TestApplication.Soon);
        await app.WaitForLineAsync("broken", l => l.Contains("No value today.", StringComparison.Ordinal));
        await app.ResourceNotifications.WaitForResourceAsync("whole", KnownResourceStates.Running,
            TestApplication.Soon);
    }

    [Fact]
    public async Task LaterCallback_Wins()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", "echo value=$X; sleep 60").WithEnvironment("X", "first")
            .WithEnvironment("X", () => "second");

        await using var app = await builder.StartAsync();

        Assert.Equal("value=second", await app.WaitForLineAsync("one", l =>
            l.StartsWith("value=", StringComparison.Ordinal)));
    }
}
