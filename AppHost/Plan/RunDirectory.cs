using System.Text.Json;

namespace Woodpecker.AppHost.Plan;

/// <summary>
/// The data directory of a run: locked against a second AppHost, pinned to the kinds of its stores, swept of what a
/// dead run left. <c>run/</c> below it is about the running processes: <c>plan.json</c>, <c>endpoints.json</c> (what
/// tools read to find this run), <c>pids.json</c>, logs, the sidecars' names.
/// </summary>
internal sealed class RunDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly FileStream _lock;
    private readonly bool _isTemporary;
    private bool _isDisposed;

    private RunDirectory(string data, string runId, FileStream locked, bool isTemporary)
    {
        Data = data;
        RunId = runId;
        _lock = locked;
        _isTemporary = isTemporary;
    }

    /// <summary>Absolute path of the data directory.</summary>
    public string Data { get; }

    public string RunId { get; }

    /// <summary>Identity of the cluster whose data are here; the same in every run.</summary>
    public string ClusterId { get; private set; } = "";

    public string Run => Path.Combine(Data, "run");

    public string DaprResources => Path.Combine(Run, "dapr", "components");

    public string DaprConfig => Path.Combine(Run, "dapr", "config.json");

    /// <summary>Creates and locks the directory. Relative paths are beside the solution.</summary>
    public static RunDirectory Open(RunOptions options, string solutionFolder, string runId)
    {
        var data = options.IsMemoryProfile
            ? Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"woodpecker-{runId}")
            : Path.GetFullPath(options.DataDir ?? ".woodpecker", solutionFolder);
        if (data.Any(static c => c is '$' or '"' or '\'' or '`' || char.IsControl(c)))
        {
            throw RunPlanException.Option(
                $"The data directory '{data}' holds a dollar sign, a quote or a control character, which Dapr's "
                + "configuration would expand: choose another --Woodpecker:DataDir.");
        }

        try
        {
            CreateOwnerOnly(data);
            var directory = new RunDirectory(data, runId, Lock(data), options.IsMemoryProfile);
            Survivors.Sweep(Path.Combine(directory.Run, "pids.json"));
            Prepare(directory);
            return directory;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new RunPlanException($"The data directory '{data}' cannot be used: {exception.Message.TrimEnd('.')}. "
                + "Choose another --Woodpecker:DataDir.");
        }
    }

    /// <summary>
    /// The first start writes which kinds of stores hold the data; a later start with others is refused. Otherwise
    /// installing etcd would make every log vanish.
    /// </summary>
    public void Pin(Choice metadata, Choice objects)
    {
        var path = Path.Combine(Data, "components.json");
        if (!File.Exists(path))
        {
            ClusterId = new Guid(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16)).ToString("N");
            WriteWhole(path, new Pinned(metadata.Kind, objects.Kind, ClusterId));
            return;
        }

        var pinned = Read<Pinned>(path) ?? throw new RunPlanException(
            $"'{path}' is not readable as JSON: it says which stores hold "
            + "the data of this directory. Restore it, or choose another --Woodpecker:DataDir.");
        if (pinned.Metadata != metadata.Kind)
            throw Differs("metadata", "Metadata", pinned.Metadata, metadata);
        if (pinned.Objects != objects.Kind)
            throw Differs("objects", "Objects", pinned.Objects, objects);
        ClusterId = pinned.ClusterId;
    }

    /// <summary>
    /// Writes what tools and sidecars read. The files are gone again after an orderly stop, but for the plan.
    /// </summary>
    public void Write(RunPlan plan)
    {
        WriteWhole(Path.Combine(Run, "plan.json"), RunFiles.Plan(plan));
        WriteWhole(Path.Combine(Run, "endpoints.json"), RunFiles.Endpoints(plan));
        WriteWhole(DaprConfig, RunFiles.DaprConfiguration(plan));
    }

    /// <summary>Gives the directory free. Data of the memory profile are deleted.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        try
        {
            File.Delete(Path.Combine(Run, "endpoints.json"));
            if (_isTemporary)
                Directory.Delete(Data, recursive: true);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            Console.Error.WriteLine($"warn: {exception.Message}");
        }

        _lock.Dispose();
    }

    private static void CreateOwnerOnly(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly);
    }

    private static void Prepare(RunDirectory directory)
    {
        var dapr = Path.Combine(directory.Run, "dapr");
        if (Directory.Exists(dapr))
            Directory.Delete(dapr, recursive: true); // Names of the last run.
        CreateOwnerOnly(directory.Run);
        CreateOwnerOnly(Path.Combine(dapr, "names"));
        Directory.CreateDirectory(directory.DaprResources);
    }

    private static FileStream Lock(string data)
    {
        var path = Path.Combine(data, "lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            var host = Survivors.HostOf(Path.Combine(data, "run", "pids.json"));
            throw new RunPlanException(
                $"Another AppHost{(host is null ? "" : $" (process {host})")} uses the data directory '{data}': "
                + "stop it, or choose another --Woodpecker:DataDir.");
        }
    }

    private RunPlanException Differs(string what, string option, string pinned, Choice chosen) => new(
        $"The data directory '{Data}' belongs to {what} of kind '{pinned}', but this start chose '{chosen.Kind}' ({chosen.Reason}): pass "
        + $"--Woodpecker:{option}={pinned} or another --Woodpecker:DataDir.");

    private static T? Read<T>(string path) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void WriteWhole(string path, object content)
    {
        var aside = path + ".new";
        File.Delete(aside);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(aside, options))
            JsonSerializer.Serialize(stream, content, content.GetType(), Json);
        File.Move(aside, path, overwrite: true);
    }

    private sealed record Pinned(string Metadata, string Objects, string ClusterId);
}
