using System.Diagnostics;
using System.Globalization;

namespace Aspire.Hosting.Processes;

/// <summary>
/// A shell that holds the other end of a pipe: when this process is gone, however that came, the pipe ends and the
/// guard ends what is listed. It lives in its own session, so no signal to the host's group reaches it.
/// </summary>
/// <remarks>
/// Not PR_SET_PDEATHSIG: it fires at the end of the parent thread, and managed code cannot set it for others.
/// </remarks>
internal sealed class ProcessGuard : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Process _process;

    private ProcessGuard(Process process)
    {
        _process = process;
        Pid = process.Id;
    }

    public int Pid { get; }

    public static ProcessGuard Start(string runId)
    {
        var setsid = ExecutablePath.Find("setsid", "/");
        var start = new ProcessStartInfo(setsid ?? "/bin/sh")
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (setsid is not null)
            start.ArgumentList.Add("/bin/sh");
        foreach (var argument in (string[])["-c", Script(), "woodpecker-guard", runId])
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        var process = Process.Start(start)!;
        process.StandardOutput.Close();
        process.StandardError.Close();
        return new ProcessGuard(process);
    }

    public void Add(int pid, long startTime) =>
        Tell(string.Create(CultureInfo.InvariantCulture, $"+{pid} {startTime}\n"));

    public void Remove(int pid) => Tell(string.Create(CultureInfo.InvariantCulture, $"-{pid}\n"));

    /// <summary>Closes the pipe: the guard ends what is still listed, normally nothing, and goes.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            try
            {
                _process.StandardInput.Close();
            }
            catch (IOException)
            {
                // Somebody killed the guard; there is nothing left to tell it.
            }

            _process.Dispose();
        }
    }

    private void Tell(string line)
    {
        lock (_gate)
        {
            try
            {
                _process.StandardInput.Write(line);
                _process.StandardInput.Flush();
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // Without its guard the run goes on; the next start sweeps by pids.json.
            }
        }
    }

    private static string Script()
    {
        using var stream = typeof(ProcessGuard).Assembly.GetManifestResourceStream("guard.sh")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
