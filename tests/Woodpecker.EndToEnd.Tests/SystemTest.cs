namespace Woodpecker.EndToEnd.Tests;

/// <summary>A test on the class's shared system. When it fails, the ends of all logs go into its output.</summary>
public abstract class SystemTest(AppFixture fixture) : IDisposable
{
    protected static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    protected RunningSystem System => fixture.System;

    public void Dispose()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine(System.Logs());
        GC.SuppressFinalize(this);
    }
}
