using System.Text.Json;

namespace Aspire.Hosting.Processes;

/// <summary>
/// <c>pids.json</c> in the run directory: the second line of defence behind the guard. The next start of the same data
/// directory reads it and ends what a dead run left. Written aside and renamed, so a reader sees a whole file.
/// </summary>
internal sealed class PidFile(string? directory, string runId)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Entry> _processes = new(StringComparer.Ordinal);

    public void Add(string name, int pid, long startTime)
    {
        lock (_gate)
        {
            _processes[name] = new Entry(pid, startTime);
            Write();
        }
    }

    public void Remove(string name)
    {
        lock (_gate)
        {
            if (_processes.Remove(name))
                Write();
        }
    }

    private void Write()
    {
        if (directory is null)
            return;
        var path = Path.Combine(directory, "pids.json");
        var content = new
        {
            runId,
            host = new Entry(Environment.ProcessId, ProcessTable.StartTime(Environment.ProcessId)),
            processes = _processes,
        };
        try
        {
            if (_processes.Count == 0)
            {
                File.Delete(path); // Nothing is left to be found.
                return;
            }

            Directory.CreateDirectory(directory);
            File.WriteAllText(path + ".new", JsonSerializer.Serialize(content, JsonSerializerOptions.Web));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The guard still stands; losing the second line must not stop the run.
        }
    }

    private sealed record Entry(int Pid, long StartTime);
}
