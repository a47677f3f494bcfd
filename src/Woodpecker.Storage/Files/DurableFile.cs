using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Woodpecker.Storage.Files;

/// <summary>A file whose writes can be made durable; every result is checked.</summary>
/// <remarks>
/// Units:      positions and lengths in bytes. When <see cref="IsDirect"/>, buffer addresses, positions and lengths must be
///             multiples of 4,096.
/// Ownership:  buffers are borrowed for the call; the file owns its handle.
/// Threads:    reads from any thread; one writer.
/// Durability: written bytes survive power loss after <see cref="SyncData"/> returned, and the file's name after its
///             directory was synced too (<see cref="DirectorySync"/>). J4, J8.
/// Errors:     <see cref="DurableIOException"/>; after one, nothing is known about un-synced bytes (J5).
/// </remarks>
public sealed class DurableFile : IDisposable
{
    private const uint OwnerOnly = 0x180; // rw-------

    private readonly SafeFileHandle _handle;

    private DurableFile(SafeFileHandle handle, string path, bool isDirect)
    {
        _handle = handle;
        Path = path;
        IsDirect = isDirect;
    }

    /// <summary>The file's path at the time it was opened.</summary>
    public string Path { get; }

    /// <summary>Whether reads and writes go around the page cache.</summary>
    public bool IsDirect { get; }

    /// <summary>Length of the file, in bytes.</summary>
    public long Length => RandomAccess.GetLength(_handle);

    /// <summary>Creates a new file, readable and writable by its owner only; an existing one is an error.</summary>
    /// <param name="path">The path; not followed if it is a link.</param>
    /// <param name="wantsDirect">Asks for I/O around the page cache; a file system that refuses gives a buffered file.</param>
    public static DurableFile Create(string path, bool wantsDirect = false) =>
        Open(path, NativeMethods.ReadWrite | NativeMethods.Create | NativeMethods.Exclusive, wantsDirect);

    /// <summary>Opens an existing file for reading and writing.</summary>
    public static DurableFile OpenExisting(string path, bool wantsDirect = false) =>
        Open(path, NativeMethods.ReadWrite, wantsDirect);

    /// <summary>Opens an existing file for reading.</summary>
    public static DurableFile OpenRead(string path, bool wantsDirect = false) =>
        Open(path, NativeMethods.ReadOnly, wantsDirect);

    /// <summary>Creates a file with the given content and syncs it; the directory is left to the caller.</summary>
    public static void CreateWith(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        file.Write(content, 0);
        file.Sync();
    }

    /// <summary>Reads at most the buffer's size; less only at the end of the file.</summary>
    /// <returns>Bytes read; 0 at the end of the file.</returns>
    public int Read(Span<byte> buffer, long position)
    {
        try
        {
            var total = 0;
            while (total < buffer.Length)
            {
                var read = RandomAccess.Read(_handle, buffer[total..], position + total);
                if (read == 0)
                    break;
                total += read;
                // A direct read that ends unaligned stands at the end of the file; going on would be refused.
                if (IsDirect && read % Limits.JournalAlignment != 0)
                    break;
            }

            return total;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DurableIOException("read", Path, ErrorNumberOf(e), e);
        }
    }

    /// <summary>Writes all bytes; they are not durable yet.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, position);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DurableIOException("write", Path, ErrorNumberOf(e), e);
        }
    }

    /// <summary>Cuts or extends the file; durable after <see cref="Sync"/>.</summary>
    public void SetLength(long length)
    {
        try
        {
            RandomAccess.SetLength(_handle, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DurableIOException("ftruncate", Path, ErrorNumberOf(e), e);
        }
    }

    /// <summary>Reserves blocks for the file up to <paramref name="length"/> bytes; a file system without this does nothing.</summary>
    public void Allocate(long length)
    {
        if (!OperatingSystem.IsLinux())
            return;
        while (NativeMethods.Allocate(_handle, 0, 0, length) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == NativeMethods.ErrorNotSupported)
                return;
            if (error != NativeMethods.ErrorInterrupted)
                throw new DurableIOException("fallocate", Path, error);
        }
    }

    /// <summary>Makes written bytes and the file's length durable.</summary>
    public void SyncData() => Check(
        "fdatasync", OperatingSystem.IsWindows() ? Flush() : OperatingSystem.IsLinux() ? NativeMethods.SyncData(_handle) : NativeMethods.Sync(_handle));

    /// <summary>Makes bytes and all of the file's own metadata durable.</summary>
    public void Sync() => Check("fsync", OperatingSystem.IsWindows() ? Flush() : NativeMethods.Sync(_handle));

    /// <summary>Asks the kernel to forget cached pages of the file, so that reads come from the disk (J6). A hint.</summary>
    public void DropCache()
    {
        if (OperatingSystem.IsLinux())
            _ = NativeMethods.Advise(_handle, 0, 0, NativeMethods.AdviseNotNeeded);
    }

    /// <summary>Takes the file's exclusive lock, which ends with the process; false if another process has it.</summary>
    public bool TryLock()
    {
        // On Windows the sharing mode of the handle is the lock; the file is opened once per directory.
        if (OperatingSystem.IsWindows())
            return true;
        if (NativeMethods.Lock(_handle, NativeMethods.LockExclusive | NativeMethods.LockWithoutWaiting) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NativeMethods.ErrorAgain ? false : throw new DurableIOException("flock", Path, error);
    }

    /// <summary>Closes the handle; makes nothing durable.</summary>
    public void Dispose() => _handle.Dispose();

    private int Flush() => NativeMethods.FlushFileBuffers(_handle) ? 0 : -1;

    private void Check(string operation, int result)
    {
        // Not tried again, EINTR included: after a failed sync the kernel may have dropped the dirty pages (J5).
        if (result != 0)
            throw new DurableIOException(operation, Path, Marshal.GetLastPInvokeError());
    }

    private static DurableFile Open(string path, int flags, bool wantsDirect)
    {
        if (!OperatingSystem.IsLinux())
            return OpenPortable(path, flags);
        flags |= NativeMethods.CloseOnExec | NativeMethods.NoFollow;
        if (wantsDirect)
        {
            var direct = TryOpen(path, flags | NativeMethods.Direct, out var refusal);
            if (direct is not null)
                return new DurableFile(direct, path, isDirect: true);
            // Some file systems create the file and then refuse the flag, so the second try must not ask for a new one.
            if (refusal != NativeMethods.ErrorInvalid)
                throw new DurableIOException("open", path, refusal);
            if ((flags & NativeMethods.Exclusive) != 0 && File.Exists(path))
                flags &= ~NativeMethods.Exclusive;
        }

        var handle = TryOpen(path, flags, out var error);
        return handle is null ? throw new DurableIOException("open", path, error) : new DurableFile(handle, path, isDirect: false);
    }

    private static SafeFileHandle? TryOpen(string path, int flags, out int error)
    {
        int descriptor;
        do
        {
            descriptor = NativeMethods.Open(path, flags, OwnerOnly);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == NativeMethods.ErrorInterrupted);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static DurableFile OpenPortable(string path, int flags)
    {
        var mode = (flags & NativeMethods.Create) != 0 ? FileMode.CreateNew : FileMode.Open;
        var access = (flags & NativeMethods.ReadWrite) != 0 ? FileAccess.ReadWrite : FileAccess.Read;
        try
        {
            return new DurableFile(
                File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete), path, isDirect: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DurableIOException("open", path, ErrorNumberOf(e), e);
        }
    }

    // On Unix the runtime keeps the error number in the low bits of HResult.
    private static int ErrorNumberOf(Exception exception) => exception.HResult & 0xFFFF;
}
