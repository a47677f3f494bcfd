using System.Diagnostics;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>
/// A few cells of the fault matrix for every commit, by the command that runs all of it. Which part could not be had here is in
/// the output.
/// </summary>
public sealed class FaultMatrixTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(6);

    private static readonly string[] _cells =
    [
        "kill writer/Steady", "fsync error/Steady", "torn last group/Takeover", "replica hears nothing/Roll",
        "etcd away for long/Steady",
    ];

    [Fact]
    public async Task BoundedPartOfTheFaultMatrix_LosesNothing()
    {
        var program = AppContext.BaseDirectory.Replace("Woodpecker.EndToEnd.Tests", "Woodpecker.Faults", StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(program, "Woodpecker.Faults.dll"), "--seconds", "1", "--outage", "8", "--seed", "7"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var cell in _cells)
        {
            start.ArgumentList.Add("--cell");
            start.ArgumentList.Add(cell);
        }

        using var matrix = Process.Start(start)!;
        var errors = matrix.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = matrix.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(_limit);
            await matrix.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!matrix.HasExited)
                matrix.Kill(entireProcessTree: true);
        }

        var report = await output + await errors;
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.True(matrix.ExitCode == 0, report);
        Assert.Contains("kill writer | Steady", report, StringComparison.Ordinal);
    }
}
