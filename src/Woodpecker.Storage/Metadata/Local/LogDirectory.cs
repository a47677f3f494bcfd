using System.Globalization;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Names of the files of a store, and the lock that keeps a second process out.</summary>
internal sealed class LogDirectory : IDisposable
{
    private const string LogPrefix = "log-";
    private const string CheckpointPrefix = "checkpoint-";
    private const string Extension = ".wpm";
    private const string TemporaryExtension = ".tmp";

    private readonly FileStream _lock;

    private LogDirectory(string path, FileStream fileLock)
    {
        Path = path;
        _lock = fileLock;
    }

    public string Path { get; }

    /// <summary>Makes the directory if need be and takes its lock.</summary>
    /// <exception cref="MetadataException">Another process has it.</exception>
    public static LogDirectory Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        DirectorySync.CreateDurably(path);
        try
        {
            // Held by the handle: it ends with the process, however that ends.
            var fileLock = new FileStream(
                System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new LogDirectory(path, fileLock);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new MetadataException(
                MetadataErrorKind.Unavailable, $"The metadata directory '{path}' is in use by another process.", e);
        }
    }

    /// <summary>Log files with the sequence of their first record, ascending.</summary>
    public IReadOnlyList<(long Sequence, string Path)> Logs() => Find(LogPrefix);

    /// <summary>Checkpoints with the sequence of the last record they include, ascending.</summary>
    public IReadOnlyList<(long Sequence, string Path)> Checkpoints() => Find(CheckpointPrefix);

    public string LogPath(long sequence) => Name(LogPrefix, sequence);

    public string CheckpointPath(long sequence) => Name(CheckpointPrefix, sequence);

    /// <summary>A name under which a file is written before it gets its own.</summary>
    public static string Temporary(string path) => path + TemporaryExtension;

    /// <summary>Gives a synced file its name and makes that durable.</summary>
    public void Publish(string path)
    {
        DirectorySync.Rename(Temporary(path), path);
        DirectorySync.Sync(Path);
    }

    /// <summary>Removes what an interrupted start or checkpoint left: it was never part of the store.</summary>
    public void DeleteTemporaries()
    {
        foreach (var leftover in Directory.EnumerateFiles(Path, "*" + Extension + TemporaryExtension))
            DirectorySync.Delete(leftover);
    }

    /// <summary>Removes logs and checkpoints that a checkpoint has made superfluous.</summary>
    public void DeleteSuperseded(long checkpointSequence, long currentLogSequence)
    {
        foreach (var (sequence, path) in Logs())
        {
            if (sequence < currentLogSequence)
                DirectorySync.Delete(path);
        }

        foreach (var (sequence, path) in Checkpoints())
        {
            if (sequence < checkpointSequence)
                DirectorySync.Delete(path);
        }

        DirectorySync.Sync(Path);
    }

    public void Dispose() => _lock.Dispose();

    private string Name(string prefix, long sequence) =>
        System.IO.Path.Combine(Path, string.Create(CultureInfo.InvariantCulture, $"{prefix}{sequence:x16}{Extension}"));

    private List<(long Sequence, string Path)> Find(string prefix)
    {
        var found = new List<(long Sequence, string Path)>();
        foreach (var path in Directory.EnumerateFiles(Path, prefix + "*" + Extension))
        {
            var digits = System.IO.Path.GetFileNameWithoutExtension(path.AsSpan())[prefix.Length..];
            if (digits.Length == 16
                && long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sequence))
                found.Add((sequence, path));
        }

        found.Sort(static (a, b) => a.Sequence.CompareTo(b.Sequence));
        return found;
    }
}
