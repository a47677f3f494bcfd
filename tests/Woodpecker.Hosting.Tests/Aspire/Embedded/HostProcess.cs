using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.Processes;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

/// <summary>The test app host as a process of its own, to be killed and signalled.</summary>
internal sealed class HostProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private HostProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public string Output => string.Join('\n', _output);

    public int ExitCode => _process.ExitCode;

    public static HostProcess Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet",
            ["exec", Path.Combine(AppContext.BaseDirectory, "Woodpecker.Hosting.TestHost.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://localhost:0"; // The dashboard, on a free port.
        return new HostProcess(Process.Start(start)!);
    }

    public void Signal(int signal) => Assert.Equal(0, NativeMethods.Kill(_process.Id, signal));

    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    public Task WaitForOutputAsync(string text) =>
        Wait.ForAsync($"'{text}' in the output", () => Output.Contains(text, StringComparison.Ordinal), () => Output);

    public async Task WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(TestApplication.Limit);
        await _process.WaitForExitAsync(limit.Token);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
