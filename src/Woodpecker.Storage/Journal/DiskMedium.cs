using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Journal;

/// <summary>A directory of a local file system; direct I/O where the file system accepts it, buffered otherwise (J3).</summary>
public sealed class DiskMedium : IJournalMedium
{
    private readonly string _directory;
    private readonly DurableFile _lock;

    private DiskMedium(string directory, DurableFile lockFile)
    {
        _directory = directory;
        _lock = lockFile;
    }

    /// <inheritdoc/>
    public bool IsVolatile => false;

    /// <summary>Opens the directory, creating it if needed, and locks it against other processes.</summary>
    /// <exception cref="WoodpeckerException">Unavailable, if another process has it.</exception>
    public static DiskMedium OpenDirectory(string directory)
    {
        directory = Path.GetFullPath(directory);
        DirectorySync.CreateDurably(directory);
        var path = Path.Combine(directory, "lock");
        var lockFile = File.Exists(path) ? DurableFile.OpenExisting(path) : DurableFile.Create(path);
        if (lockFile.TryLock())
            return new DiskMedium(directory, lockFile);
        lockFile.Dispose();
        throw new WoodpeckerException(ErrorKind.Unavailable, $"Another process uses the data directory '{directory}'.")
        {
            Reason = "DataDirectoryLocked",
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
        [.. new DirectoryInfo(_directory).EnumerateFiles().Select(file => file.Name).Where(name => name != "lock").Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public IJournalFile Create(string name, long size)
    {
        var file = DurableFile.Create(PathOf(name), wantsDirect: true);
        try
        {
            file.Allocate(size);
            return new DiskFile(file);
        }
        catch (IOException)
        {
            file.Dispose();
            DirectorySync.Delete(PathOf(name));
            throw;
        }
    }

    /// <inheritdoc/>
    public IJournalFile Open(string name)
    {
        var file = DurableFile.OpenExisting(PathOf(name), wantsDirect: true);
        if (!file.IsDirect)
        {
            // J6: what the cache shows may never have reached the disk; without it, reads come from the disk.
            file.Sync();
            file.DropCache();
        }

        return new DiskFile(file);
    }

    /// <inheritdoc/>
    public void Rename(string name, string newName) => DirectorySync.Rename(PathOf(name), PathOf(newName));

    /// <inheritdoc/>
    public void Delete(string name) => DirectorySync.Delete(PathOf(name));

    /// <inheritdoc/>
    public void SyncNames() => DirectorySync.Sync(_directory);

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private string PathOf(string name) => Path.Combine(_directory, name);

    private sealed class DiskFile(DurableFile file) : IJournalFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long position) => file.Write(bytes, position);

        public int Read(Span<byte> buffer, long position) => file.Read(buffer, position);

        public void SyncData() => file.SyncData();

        public void Sync() => file.Sync();

        public void Dispose() => file.Dispose();
    }
}
