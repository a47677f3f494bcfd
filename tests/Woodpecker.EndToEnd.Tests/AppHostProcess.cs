using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>AppHost as a process of its own, as <c>dotnet run</c> starts it.</summary>
internal sealed class AppHostProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly string _data;

    private AppHostProcess(Process process, string data)
    {
        _process = process;
        _data = data;
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => string.Join('\n', _output);

    public int ExitCode => _process.ExitCode;

    public string LoginUrl => Line("Login to the dashboard at ").Split("Login to the dashboard at ")[1].Trim();

    /// <summary>
    /// Starts with a data directory and options such as <c>Replicas=0</c>; a full key is taken as it is.
    /// </summary>
    public static AppHostProcess Start(string data, params string[] options)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["exec", Path.Combine(AppContext.BaseDirectory, "AppHost.dll"),
            $"--Woodpecker:DataDir={data}", .. options.Select(o => o.StartsWith("--", StringComparison.Ordinal) ? o
            : $"--Woodpecker:{o}")])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["ASPNETCORE_URLS"] = "http://localhost:0"; // The dashboard, on a free port.
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        return new AppHostProcess(Process.Start(start)!, data);
    }

    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<string> WaitForLineAsync(string text)
    {
        await Wait.ForAsync($"'{text}' in the output", () => Output.Contains(text, StringComparison.Ordinal)
            || _process.HasExited, RunningSystem.StartLimit, () => Output);
        return Line(text);
    }

    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(RunningSystem.StartLimit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Id of the run, which all its processes have in their environment.</summary>
    public string RunId()
    {
        using var plan = JsonDocument.Parse(File.ReadAllText(Path.Combine(_data, "run", "plan.json")));
        return plan.RootElement.GetProperty("runId").GetString()!;
    }

    /// <summary>Processes that belong to a run.</summary>
    public static List<int> ProcessesOf(string runId)
    {
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                if (File.ReadAllText(Path.Combine(folder, "environ"))
                    .Contains($"WOODPECKER_RUN_ID={runId}", StringComparison.Ordinal))
                    found.Add(pid);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is somebody else's.
            }
        }

        return found;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signal("TERM");
            if (!_process.WaitForExit(TimeSpan.FromSeconds(15)))
                _process.Kill();
        }

        _process.Dispose();
    }

    private string Line(string text) => _output.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal))
        ?? throw new InvalidOperationException($"There is no line '{text}':\n{Output}");
}
