using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Woodpecker.Storage.Files;

namespace Woodpecker.Storage.Objects;

/// <summary>Objects as files below one folder: key <c>a/b/c</c> is the file <c>root/a/b/c</c>, content and trailer.</summary>
/// <remarks>
/// Shape:      content, then <see cref="FileObjectTrailer"/>. Half-written files live in <c>root/~new</c>, a name no key has.
/// Durability: a put writes and syncs a new file, links it to its name (atomic, refuses a taken name), syncs the folder
///             and only then answers. A file still writable (0600) may be linked but not yet durable: whoever meets it
///             syncs the folder first and marks it 0400, so nobody builds on an object that a power loss could take.
/// Threads:    any number of threads and processes may use one folder.
/// Errors:     links among the folders and files are refused (Denied), so a key never leaves the root.
///             One key cannot be an object and the folder of another (Invalid); Woodpecker's own names never are.
/// Limits:     empty folders stay: removing one could race with a put that relies on it.
/// </remarks>
[UnsupportedOSPlatform("windows")]
public sealed class FileObjectStore : IObjectStore
{
    private const UnixFileMode Proven = UnixFileMode.UserRead;
    private const string NewFolder = "~new";

    private readonly FileObjectFolders _folders;
    private readonly string _newFolder;
    private readonly string _session;
    private long _lastNew;

    private FileObjectStore(FileObjectFolders folders, string newFolder, string session)
    {
        _folders = folders;
        _newFolder = newFolder;
        _session = session;
    }

    /// <inheritdoc/>
    public string Description => $"folder {_folders.Root}: atomic create, checksum kept in the file";

    /// <summary>Opens (and at first creates, mode 0700) the folder.</summary>
    /// <param name="root">Absolute path.</param>
    /// <param name="timeProvider">For the age of leftovers.</param>
    /// <param name="random">Makes names of half-written files unique among processes.</param>
    /// <exception cref="ObjectStoreException">One sentence on what is missing: a right, a folder, a path.</exception>
    public static FileObjectStore Open(string root, TimeProvider timeProvider, Random random)
    {
        var folders = FileObjectFolders.Open(root);
        var newFolder = folders.EnsureOwn(NewFolder);
        FileObjectFolders.RemoveLeftovers(newFolder, timeProvider);
        var session = random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
        var store = new FileObjectStore(folders, newFolder, session);
        store.CheckRights();
        return store;
    }

    /// <inheritdoc/>
    public async ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(key);
        if (ObjectChecksum.Of(content) != crc32C)
            throw new ObjectStoreException(ObjectStoreErrorKind.Corrupt, $"The bytes given for '{key}' do not match their checksum.");

        // Point of no return: syncs block a thread, so they leave the caller's loop; a started put is always finished.
        return await Task.Run(() => Put(key, path, content, crc32C), CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectData?> GetAsync(
        ObjectKey key, ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(key);
        // Disk reads block a thread, so they leave the caller's loop.
        return await Task.Run(() => Get(key, path, range, maxLength), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(key);
        return await Task.Run(() => Head(key, path), cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var info in _folders.Walk(prefix, startAfter?.Value))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(key);
        if (!_folders.IsPlainChain(path) || !File.Exists(path))
            return;
        await Task.Run(
            () =>
            {
                FileObjectErrors.Guard($"Deleting object '{key}'", () => File.Delete(path));
                FileObjectErrors.Guard(
                    $"Deleting object '{key}'", () => DirectorySync.Sync(Path.GetDirectoryName(path)!), isUnknown: true);
            },
            CancellationToken.None);
    }

    private string PathOf(ObjectKey key) => ObjectKey.IsValid(key.Value)
        ? _folders.PathOf(key.Value)
        : throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");

    private ObjectData? Get(ObjectKey key, string path, ByteRange range, int maxLength)
    {
        using var file = OpenProven(path, key);
        if (file is null)
            return null;

        var trailer = ReadTrailer(file, key);
        var position = range.IsSuffix ? Math.Max(0, trailer.ContentLength - range.Length) : range.Position;
        var length = Math.Min(range.Length, trailer.ContentLength - position);
        if (length < 0 || (length == 0 && !range.IsWhole))
            throw ObjectReadErrors.BeyondEnd(key, range, trailer.ContentLength);
        if (length > maxLength)
            throw ObjectReadErrors.TooLarge(key, length, maxLength);

        var bytes = new byte[length];
        Read(file, bytes, position, key);
        if (length == trailer.ContentLength && ObjectChecksum.Of(bytes) != trailer.Crc32C)
            throw ObjectReadErrors.Damaged(key, "its bytes do not match their checksum");
        return new ObjectData(bytes, position, trailer.ContentLength);
    }

    private ObjectInfo? Head(ObjectKey key, string path)
    {
        using var file = OpenProven(path, key);
        if (file is null)
            return null;
        var trailer = ReadTrailer(file, key);
        var modified = new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero);
        return new ObjectInfo(key, trailer.ContentLength, trailer.Crc32C, modified);
    }

    private PutOutcome Put(ObjectKey key, string path, ReadOnlySequence<byte> content, uint crc32C)
    {
        if (Directory.Exists(path))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, $"'{key}' is the folder of other objects.");
        using (var present = OpenProven(path, key))
        {
            if (present is not null)
                return PutOutcome.Exists;
        }

        var folder = Path.GetDirectoryName(path)!;
        _folders.EnsureDurable(folder);
        var newPath = NewPath();
        try
        {
            FileObjectErrors.Guard($"Writing object '{key}'", () => WriteNew(newPath, content, crc32C));
            var isFree = FileObjectErrors.Guard($"Creating object '{key}'", () => DirectorySync.TryLink(newPath, path));
            if (!isFree)
                return ExistsAfterRace(path, key);

            // The object is visible from here on; a failed sync leaves its fate open.
            FileObjectErrors.Guard($"Creating object '{key}'", () => DirectorySync.Sync(folder), isUnknown: true);
            File.SetUnixFileMode(newPath, Proven); // One file under two names: the mark is on both.
            return PutOutcome.Created;
        }
        finally
        {
            File.Delete(newPath);
        }
    }

    private PutOutcome ExistsAfterRace(string path, ObjectKey key)
    {
        using var winner = OpenProven(path, key);
        return winner is not null
            ? PutOutcome.Exists
            : throw new ObjectStoreException(ObjectStoreErrorKind.Unavailable, $"Object '{key}' was deleted while it was put.");
    }

    private static void WriteNew(string path, ReadOnlySequence<byte> content, uint crc32C)
    {
        using var file = DurableFile.Create(path);
        var position = 0L;
        foreach (var part in content)
        {
            file.Write(part.Span, position);
            position += part.Length;
        }

        Span<byte> trailer = stackalloc byte[FileObjectTrailer.Size];
        new FileObjectTrailer(position, crc32C).Write(trailer);
        file.Write(trailer, position);
        file.Sync();
    }

    /// <summary>Opens an object that is certain to survive a power loss; null if there is none.</summary>
    private DurableFile? OpenProven(string path, ObjectKey key)
    {
        // Asked first, so that the usual "not there" of a reader at the tail costs no exception.
        if (!_folders.IsPlainChain(path) || !File.Exists(path))
            return null;
        DurableFile file;
        try
        {
            file = DurableFile.OpenRead(path);
        }
        catch (DurableIOException e) when (FileObjectErrors.IsAbsent(e))
        {
            return null; // Deleted between the two looks.
        }
        catch (DurableIOException e)
        {
            throw FileObjectErrors.Translate(e, $"Opening object '{key}'", isUnknown: false);
        }

        try
        {
            if ((File.GetUnixFileMode(path) & UnixFileMode.UserWrite) != 0)
            {
                var folder = Path.GetDirectoryName(path)!;
                _folders.EnsureDurable(folder);
                FileObjectErrors.Guard($"Opening object '{key}'", () => DirectorySync.Sync(folder));
                File.SetUnixFileMode(path, Proven);
            }

            return file;
        }
        catch (FileNotFoundException)
        {
            file.Dispose();
            return null;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static FileObjectTrailer ReadTrailer(DurableFile file, ObjectKey key)
    {
        var fileLength = file.Length;
        if (fileLength < FileObjectTrailer.Size)
            throw ObjectReadErrors.Damaged(key, "its file is too short");
        Span<byte> bytes = stackalloc byte[FileObjectTrailer.Size];
        Read(file, bytes, fileLength - FileObjectTrailer.Size, key);
        return FileObjectTrailer.TryRead(bytes, fileLength, out var trailer)
            ? trailer
            : throw ObjectReadErrors.Damaged(key, "its trailer is unreadable");
    }

    private static void Read(DurableFile file, Span<byte> destination, long position, ObjectKey key)
    {
        try
        {
            if (file.Read(destination, position) == destination.Length)
                return;
        }
        catch (DurableIOException e)
        {
            throw FileObjectErrors.Translate(e, $"Reading object '{key}'", isUnknown: false);
        }

        throw ObjectReadErrors.Damaged(key, "its file ends early");
    }

    private void CheckRights()
    {
        var path = NewPath();
        FileObjectErrors.Guard($"The object folder '{_folders.Root}' cannot be used by user '{Environment.UserName}'", () =>
        {
            DurableFile.Create(path).Dispose();
            File.Delete(path);
        });
    }

    private string NewPath()
    {
        var number = Interlocked.Increment(ref _lastNew).ToString("x8", CultureInfo.InvariantCulture);
        return Path.Combine(_newFolder, $"{_session}-{number}");
    }
}
