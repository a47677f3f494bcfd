using System.Diagnostics;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>The command line tool as a process of its own.</summary>
internal static class WpTool
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs a command and waits for its end.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(
        RunningSystem system, params string[] arguments)
    {
        // tests/<project>/bin/<configuration>/<framework> is where we are.
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var root = here.Parent!.Parent!.Parent!.Parent!.Parent!;
        var tool = Path.Combine(root.FullName, "tools", "wp", "bin", here.Parent!.Name, here.Name, "wp.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", tool, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(_limit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            process.Kill();
            throw new TimeoutException(
                $"wp {string.Join(' ', arguments)} did not end within {_limit.TotalSeconds} s: {await error}\n{system.Logs()}");
        }
    }
}
