using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>
/// One started process, leader of its own group where <c>setsid</c> exists, so that a terminal's Ctrl-C reaches the
/// host alone and a signal to the group reaches its children too.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan OutputDrainTime = TimeSpan.FromSeconds(1);
    private static readonly string? Setsid = ExecutablePath.Find("setsid", "/");

    private readonly Process _process;
    private readonly bool _leadsGroup;
    private volatile bool _hasEnded;

    private ChildProcess(Process process, bool leadsGroup, Action<string, bool> onLine, TimeProvider time)
    {
        _process = process;
        _leadsGroup = leadsGroup;
        Pid = process.Id;
        StartTime = ProcessTable.StartTime(Pid);
        var output = LineReader.ReadAsync(process.StandardOutput, line => onLine(line, false));
        var errors = LineReader.ReadAsync(process.StandardError, line => onLine(line, true));
        Exited = WaitAsync(output, errors, time);
    }

    public int Pid { get; }

    /// <summary>Kernel start time, see <see cref="ProcessTable.StartTime"/>.</summary>
    public long StartTime { get; }

    /// <summary>Exit code, once the process has ended and its output is read; 128 + n when signal n ended it.</summary>
    public Task<int> Exited { get; }

    /// <summary>
    /// Starts a process. <paramref name="onLine"/> gets every output line (true = standard error), on any thread.
    /// </summary>
    public static ChildProcess Start(ProcessSpec spec, Action<string, bool> onLine, TimeProvider time)
    {
        var start = new ProcessStartInfo(Setsid ?? spec.FileName)
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (Setsid is not null)
            start.ArgumentList.Add(spec.FileName);
        foreach (var argument in spec.Arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in spec.Environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new ChildProcess(process, Setsid is not null, onLine, time);
    }

    public void Terminate() => Signal(NativeMethods.SigTerm);

    public void Kill() => Signal(NativeMethods.SigKill);

    public void Dispose() => _process.Dispose();

    private void Signal(int signal)
    {
        // The group first: when its leader has just ended, its children still belong to us.
        if (_leadsGroup)
            _ = NativeMethods.Kill(-Pid, signal);
        if (!_hasEnded)
            _ = NativeMethods.Kill(Pid, signal);
    }

    private async Task<int> WaitAsync(Task output, Task errors, TimeProvider time)
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _hasEnded = true; // Its pid may be given to another process from now on.
        try
        {
            // A grandchild may hold the pipes open for ever; the exit code does not wait for it.
            await Task.WhenAll(output, errors).WaitAsync(OutputDrainTime, time).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or IOException)
        {
        }

        return _process.ExitCode;
    }
}
