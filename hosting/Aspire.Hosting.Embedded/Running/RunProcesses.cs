using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Running;

/// <summary>
/// All processes of the run: started here, so that guard and pid file know each of them from its first moment.
/// </summary>
internal sealed class RunProcesses(EmbeddedHostOptions options, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PidFile _pids = new(options.RunDirectory, options.RunId);
    private ProcessGuard? _guard;
    private bool _closed;

    public ChildProcess Start(string name, ProcessSpec spec, Action<string, bool> onLine)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_guard is null)
            {
                _guard = ProcessGuard.Start(options.RunId);
                _pids.Add("(guard)", _guard.Pid, ProcessTable.StartTime(_guard.Pid));
            }

            var process = ChildProcess.Start(spec, onLine, time);
            _guard.Add(process.Pid, process.StartTime);
            _pids.Add(name, process.Pid, process.StartTime);
            return process;
        }
    }

    public void Ended(string name, ChildProcess process)
    {
        lock (_gate)
        {
            if (_closed)
                return;
            _guard?.Remove(process.Pid);
            _pids.Remove(name);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _guard?.Dispose();
            _pids.Remove("(guard)");
        }
    }
}
