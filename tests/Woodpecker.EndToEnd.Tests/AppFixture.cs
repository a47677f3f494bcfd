namespace Woodpecker.EndToEnd.Tests;

/// <summary>
/// One default system for all tests of a class. A test that breaks a process mends it before it ends.
/// </summary>
public sealed class AppFixture : IAsyncLifetime
{
    private RunningSystem? _system;

    public RunningSystem System => _system ?? throw new InvalidOperationException("The system is not started.");

    public async ValueTask InitializeAsync() => _system = await RunningSystem.StartAsync(dataDirectory: null);

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }
}
