using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Objects;

/// <summary>The folders below a file store's root: creating them durably, refusing links, walking them in key order.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class FileObjectFolders
{
    /// <summary>Folders remembered as durable; beyond it the memory is dropped and folders are synced again.</summary>
    private const int MaxRemembered = 10_000;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode ForeignWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<string, bool> _durable = new(StringComparer.Ordinal);

    private FileObjectFolders(string root) => Root = root;

    public string Root { get; }

    public static FileObjectFolders Open(string root)
    {
        if (!Path.IsPathFullyQualified(root))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, $"The object folder '{root}' is not an absolute path.");
        root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        if (File.Exists(root))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, $"The object folder '{root}' is a file, not a folder.");

        var folders = new FileObjectFolders(root);
        FileObjectErrors.Guard($"The object folder '{root}' cannot be used by user '{Environment.UserName}'", () =>
        {
            DirectorySync.CreateDurably(root);
            if (IsLink(root))
                throw new ObjectStoreException(ObjectStoreErrorKind.Denied, $"The object folder '{root}' is a link; name the folder itself.");
            if ((File.GetUnixFileMode(root) & ForeignWrite) != 0)
                throw new ObjectStoreException(
                    ObjectStoreErrorKind.Denied,
                    $"The object folder '{root}' may be written by other users; take that right away (chmod go-w).");
        });
        return folders;
    }

    public static void RemoveLeftovers(string folder, TimeProvider timeProvider)
    {
        var oldest = timeProvider.GetUtcNow() - LeftoverAge;
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            // Another process may be writing the young ones; a deleted old one was abandoned by a crash.
            if (File.GetLastWriteTimeUtc(path) < oldest.UtcDateTime)
                FileObjectErrors.Guard("Removing a leftover", () => File.Delete(path));
        }
    }

    public string PathOf(string key) => string.Concat(Root, "/", key);

    /// <summary>Creates a folder of the store's own directly below the root.</summary>
    public string EnsureOwn(string name)
    {
        var path = PathOf(name);
        EnsureDurable(path);
        return path;
    }

    /// <summary>Creates the folder and its parents up to the root where missing and makes their entries durable, once.</summary>
    public void EnsureDurable(string folder)
    {
        if (folder.Length <= Root.Length || (_durable.ContainsKey(folder) && Directory.Exists(folder)))
            return;
        EnsureDurable(Path.GetDirectoryName(folder)!);
        FileObjectErrors.Guard($"Creating the folder '{folder}'", () =>
        {
            if (File.Exists(folder))
                throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, $"'{folder}' is an object and cannot be a folder too.");
            Directory.CreateDirectory(folder, OwnerOnly);
            RefuseLink(folder);
        });
        var parent = Path.GetDirectoryName(folder)!;
        FileObjectErrors.Guard($"Creating the folder '{folder}'", () => DirectorySync.Sync(parent));
        if (_durable.Count >= MaxRemembered)
            _durable.Clear();
        _durable[folder] = true;
    }

    /// <summary>Whether the folders above the path exist; fails if one of them is a link.</summary>
    public bool IsPlainChain(string path)
    {
        for (var end = path.IndexOf('/', Root.Length + 1); end > 0; end = path.IndexOf('/', end + 1))
        {
            var folder = path[..end];
            if (!Directory.Exists(folder))
                return false;
            RefuseLink(folder);
        }

        return true;
    }

    /// <summary>Objects whose key starts with the prefix and lies after <paramref name="after"/>, in ordinal key order.</summary>
    public IEnumerable<ObjectInfo> Walk(string prefix, string? after) => Walk(new DirectoryInfo(Root), "", prefix, after);

    private static IEnumerable<ObjectInfo> Walk(DirectoryInfo folder, string folderKey, string prefix, string? after)
    {
        foreach (var (name, item) in Children(folder))
        {
            var key = folderKey + name;
            if (item is DirectoryInfo child)
            {
                // 'name' ends in '/', so the order of folders and files is the order of their keys.
                var isWanted = key.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(key, StringComparison.Ordinal);
                var isPassed = after is not null
                    && string.CompareOrdinal(key, after) < 0 && !after.StartsWith(key, StringComparison.Ordinal);
                if (!isWanted || isPassed || name[0] == '~')
                    continue;
                RefuseLink(child.FullName);
                foreach (var info in Walk(child, key, prefix, after))
                    yield return info;
            }
            else if (key.StartsWith(prefix, StringComparison.Ordinal)
                && (after is null || string.CompareOrdinal(key, after) > 0)
                && ObjectKey.IsValid(key)
                && InfoOf(key, (FileInfo)item) is { } info)
            {
                yield return info;
            }
        }
    }

    private static List<(string Name, FileSystemInfo Item)> Children(DirectoryInfo folder)
    {
        List<(string Name, FileSystemInfo Item)> children = [];
        try
        {
            foreach (var item in folder.EnumerateFileSystemInfos())
                children.Add((item is DirectoryInfo ? item.Name + "/" : item.Name, item));
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ObjectStoreException(ObjectStoreErrorKind.Denied, $"The folder '{folder.FullName}' cannot be read: {e.Message}", e);
        }

        children.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
        return children;
    }

    private static ObjectInfo? InfoOf(string key, FileInfo file)
    {
        try
        {
            if (file.LinkTarget is not null)
                throw LinkRefused(file.FullName);
            var length = Math.Max(0, file.Length - FileObjectTrailer.Size);
            return new ObjectInfo(new ObjectKey(key), length, Crc32C: null, new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero));
        }
        catch (FileNotFoundException)
        {
            return null; // Deleted between the two looks.
        }
    }

    private static void RefuseLink(string path)
    {
        if (IsLink(path))
            throw LinkRefused(path);
    }

    private static bool IsLink(string path) => (File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0;

    private static ObjectStoreException LinkRefused(string path) =>
        new(ObjectStoreErrorKind.Denied, $"'{path}' is a link; the object store follows none.");
}
