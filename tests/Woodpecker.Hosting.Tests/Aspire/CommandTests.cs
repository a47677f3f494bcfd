namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class CommandTests
{
    [Fact]
    public async Task Stop_EndsTheProcess_StartBringsItBack_RestartDoesBoth()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", "echo pid=$$; sleep 60");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("one", KnownResourceStates.Running, TestApplication.Soon);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StopCommand,
            TestApplication.Soon)).Success);
        Assert.Contains(app.State("one"), KnownResourceStates.TerminalStates);
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StartCommand,
            TestApplication.Soon)).Success);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);
        var before = app.Snapshot("one").StartTimeStamp;
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.RestartCommand,
            TestApplication.Soon)).Success);

        await app.ResourceNotifications.WaitForResourceAsync("one", e => e.Snapshot.StartTimeStamp > before,
            TestApplication.Soon);
    }

    [Fact]
    public async Task Command_InAWrongState_OrUnknown_Fails_WithoutThrowing()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("running", "sleep 60");
        builder.AddScript("idle", "sleep 60").WithExplicitStart();

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("running", KnownResourceStates.Running,
            TestApplication.Soon);

        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("running", KnownResourceCommands.StartCommand,
            TestApplication.Soon)).Success);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("idle", KnownResourceCommands.StopCommand,
            TestApplication.Soon)).Success);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("running", "dance", TestApplication.Soon))
            .Success);
    }

    [Fact]
    public async Task ExplicitStart_WaitsForTheCommand()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("idle", "sleep 60").WithExplicitStart();

        await using var app = await builder.StartAsync();
        Assert.Equal(KnownResourceStates.NotStarted, app.State("idle"));

        await app.ResourceCommands.ExecuteCommandAsync("idle", KnownResourceCommands.StartCommand,
            TestApplication.Soon);

        await app.ResourceNotifications.WaitForResourceAsync("idle", KnownResourceStates.Running, TestApplication.Soon);
    }

    [Fact]
    public async Task Stop_EndsAWaitingStart()
    {
        using var builder = TestApplication.Create();
        var never = builder.AddScript("never", "sleep 60").WithExplicitStart();
        builder.AddScript("one", "sleep 60").WaitFor(never, WaitBehavior.WaitOnResourceUnavailable);

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("one", KnownResourceStates.Waiting, TestApplication.Soon);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StopCommand,
            TestApplication.Soon)).Success);

        Assert.Contains(app.State("one"), KnownResourceStates.TerminalStates);
    }

    [Fact]
    public async Task OwnCommand_Runs_AndItsExceptionIsAFailure()
    {
        using var builder = TestApplication.Create();
        string? asked = null;
        builder.AddScript("one", "sleep 60")
            .WithCommand("greet", "Greet", context =>
            {
                asked = context.ResourceName;
                return Task.FromResult(CommandResults.Success());
            })
            .WithCommand("break", "Break", _ => throw new InvalidOperationException("broken"));

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("one", KnownResourceStates.Running, TestApplication.Soon);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", "greet", TestApplication.Soon)).Success);
        Assert.StartsWith("one", asked, StringComparison.Ordinal);
        Assert.Equal("broken", (await app.ResourceCommands.ExecuteCommandAsync("one", "break", TestApplication.Soon))
            .Message);
    }
}
