using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

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
    private const UnixFileMode Unproven = UnixFileMode.UserRead | UnixFileMode.UserWrite;
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
        using var file = OpenProven(PathOf(key), key);
        if (file is null)
            return null;

        var trailer = await ReadTrailerAsync(file, key, cancellationToken);
        var position = range.IsSuffix ? Math.Max(0, trailer.ContentLength - range.Length) : range.Position;
        var length = Math.Min(range.Length, trailer.ContentLength - position);
        if (length < 0 || (length == 0 && !range.IsWhole))
            throw ObjectReadErrors.BeyondEnd(key, range, trailer.ContentLength);
        if (length > maxLength)
            throw ObjectReadErrors.TooLarge(key, length, maxLength);

        var bytes = new byte[length];
        await ReadExactlyAsync(file, bytes, position, key, cancellationToken);
        if (length == trailer.ContentLength && ObjectChecksum.Of(bytes) != trailer.Crc32C)
            throw ObjectReadErrors.Damaged(key, "its bytes do not match their checksum");
        return new ObjectData(bytes, position, trailer.ContentLength);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        using var file = OpenProven(PathOf(key), key);
        if (file is null)
            return null;
        var trailer = await ReadTrailerAsync(file, key, cancellationToken);
        var modified = new DateTimeOffset(File.GetLastWriteTimeUtc(file), TimeSpan.Zero);
        return new ObjectInfo(key, trailer.ContentLength, trailer.Crc32C, modified);
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
                FileObjectFolders.Guard($"Deleting object '{key}'", () => File.Delete(path));
                FileObjectFolders.Sync(Path.GetDirectoryName(path)!, isUnknown: true);
            },
            CancellationToken.None);
    }

    private string PathOf(ObjectKey key) => ObjectKey.IsValid(key.Value)
        ? _folders.PathOf(key.Value)
        : throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");

    private PutOutcome Put(ObjectKey key, string path, ReadOnlySequence<byte> content, uint crc32C)
    {
        if (Directory.Exists(path))
            throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, $"'{key}' is the folder of other objects.");
        using (var present = OpenProven(path, key))
        {
            if (present is not null)
                return PutOutcome.Exists;
        }

        _folders.EnsureDurable(Path.GetDirectoryName(path)!);
        var newPath = NewPath();
        try
        {
            using var file = WriteNew(newPath, key, content, crc32C);
            var error = NativeFile.LinkTo(newPath, path);
            if (error == NativeFile.AlreadyExists)
                return ExistsAfterRace(path, key);
            if (error != 0)
                throw NativeFile.Failure($"Object '{key}' could not be created", error);

            // The object is visible from here on; a failed sync leaves its fate open.
            FileObjectFolders.Sync(Path.GetDirectoryName(path)!, isUnknown: true);
            File.SetUnixFileMode(file, Proven);
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

    private static SafeFileHandle WriteNew(string path, ObjectKey key, ReadOnlySequence<byte> content, uint crc32C) =>
        FileObjectFolders.Guard($"Writing object '{key}'", () =>
        {
            var file = OpenNew(path);
            try
            {
                var position = 0L;
                foreach (var part in content)
                {
                    RandomAccess.Write(file, part.Span, position);
                    position += part.Length;
                }

                Span<byte> trailer = stackalloc byte[FileObjectTrailer.Size];
                new FileObjectTrailer(position, crc32C).Write(trailer);
                RandomAccess.Write(file, trailer, position);
                var error = NativeFile.SyncFile(file);
                return error == 0 ? file : throw NativeFile.Failure($"Object '{key}' could not be synced", error);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        });

    private static SafeFileHandle OpenNew(string path)
    {
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete);
        File.SetUnixFileMode(file, Unproven);
        return file;
    }

    /// <summary>Opens an object that is certain to survive a power loss; null if there is none.</summary>
    private SafeFileHandle? OpenProven(string path, ObjectKey key)
    {
        if (!_folders.IsPlainChain(path))
            return null;
        var file = NativeFile.OpenRead(path, out var error);
        if (file is null)
        {
            return error is NativeFile.NoEntry or NativeFile.NotAFolder
                ? null
                : throw NativeFile.Failure($"Object '{key}' could not be opened", error);
        }

        try
        {
            if (Directory.Exists(path))
            {
                file.Dispose();
                return null;
            }

            if ((File.GetUnixFileMode(file) & UnixFileMode.UserWrite) != 0)
            {
                _folders.EnsureDurable(Path.GetDirectoryName(path)!);
                FileObjectFolders.Sync(Path.GetDirectoryName(path)!, isUnknown: false);
                File.SetUnixFileMode(file, Proven);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static async ValueTask<FileObjectTrailer> ReadTrailerAsync(
        SafeFileHandle file, ObjectKey key, CancellationToken cancellationToken)
    {
        var fileLength = RandomAccess.GetLength(file);
        var bytes = new byte[FileObjectTrailer.Size];
        if (fileLength < FileObjectTrailer.Size)
            throw ObjectReadErrors.Damaged(key, "its file is too short");
        await ReadExactlyAsync(file, bytes, fileLength - FileObjectTrailer.Size, key, cancellationToken);
        return FileObjectTrailer.TryRead(bytes, fileLength, out var trailer)
            ? trailer
            : throw ObjectReadErrors.Damaged(key, "its trailer is unreadable");
    }

    private static async ValueTask ReadExactlyAsync(
        SafeFileHandle file, Memory<byte> destination, long position, ObjectKey key, CancellationToken cancellationToken)
    {
        while (!destination.IsEmpty)
        {
            int read;
            try
            {
                read = await RandomAccess.ReadAsync(file, destination, position, cancellationToken);
            }
            catch (IOException e)
            {
                throw new ObjectStoreException(ObjectStoreErrorKind.Unavailable, $"Object '{key}' could not be read: {e.Message}", e);
            }

            if (read == 0)
                throw ObjectReadErrors.Damaged(key, "its file ends early");
            destination = destination[read..];
            position += read;
        }
    }

    private void CheckRights()
    {
        var path = NewPath();
        FileObjectFolders.Guard($"The object folder '{_folders.Root}' cannot be used by user '{Environment.UserName}'", () =>
        {
            OpenNew(path).Dispose();
            File.Delete(path);
        });
    }

    private string NewPath()
    {
        var number = Interlocked.Increment(ref _lastNew).ToString("x8", CultureInfo.InvariantCulture);
        return Path.Combine(_newFolder, $"{_session}-{number}");
    }
}
