using System.Text.Json;

namespace Dapr.Sidecar.Embedded.Naming;

/// <summary>
/// The directory that sidecars of one run share: one file per sidecar, written aside and renamed, so that a reader sees
/// a whole entry or none. It holds who is where, nothing else; losing it costs one refresh.
/// </summary>
internal sealed class NameDirectory
{
    public static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(15);
    private const int LargestEntry = 4096;
    private readonly string _path;
    private readonly TimeProvider _time;

    public NameDirectory(string? path, TimeProvider time)
    {
        _path = path ?? DefaultPath;
        _time = time;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(_path);
        }
        else
        {
            Directory.CreateDirectory(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static string DefaultPath => Path.Combine(Path.GetTempPath(), $"dapr-embedded-{Environment.UserName}", "names");

    /// <summary>Writes or refreshes an entry. <paramref name="instance"/> tells sidecars of one app id apart.</summary>
    public void Write(NameEntry entry, string instance)
    {
        var file = FileOf(entry.AppId, entry.Namespace, instance);
        var aside = $"{file}.{entry.Pid}.new";
        File.WriteAllBytes(aside, JsonSerializer.SerializeToUtf8Bytes(entry, NameJson.Default.NameEntry));
        File.Move(aside, file, overwrite: true);
    }

    public void Delete(NameEntry entry, string instance) => File.Delete(FileOf(entry.AppId, entry.Namespace, instance));

    /// <summary>
    /// Addresses of the live sidecars of an app id. <paramref name="abandoned"/> is true when there are only entries of
    /// processes that are gone or silent: then the sidecar may be about to come back, perhaps elsewhere.
    /// </summary>
    public List<string> Find(string appId, string ns, out bool abandoned)
    {
        List<string> live = [];
        var dead = false;
        var now = _time.GetUtcNow();
        foreach (var file in Directory.EnumerateFiles(_path, $"{appId}@{ns}@*.json"))
        {
            if (Read(file) is { } entry && entry.AppId == appId && entry.Namespace == ns
                && now - File.GetLastWriteTimeUtc(file) < StaleAfter && IsRunning(entry.Pid))
            {
                live.Add(entry.Address);
            }
            else
            {
                dead = true;
            }
        }

        abandoned = dead && live.Count == 0;
        return live;
    }

    private string FileOf(string appId, string ns, string instance) => Path.Combine(_path, $"{appId}@{ns}@{instance}.json");

    /// <summary>Null when the entry vanished meanwhile or is not one of ours.</summary>
    private static NameEntry? Read(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return stream.Length <= LargestEntry ? JsonSerializer.Deserialize(stream, NameJson.Default.NameEntry) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static bool IsRunning(int pid)
    {
        if (OperatingSystem.IsLinux())
        {
            return Directory.Exists($"/proc/{pid}");
        }

        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
