using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Woodpecker.Storage.Objects;

/// <summary>
/// The few POSIX calls the file store needs and the class library lacks: opening without following links, hard links as
/// an atomic create-if-absent, and syncs of files and folders whose result is checked (J4, J8).
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static partial class NativeFile
{
    public const int NoEntry = 2;        // ENOENT
    public const int Denied = 13;        // EACCES
    public const int AlreadyExists = 17; // EEXIST
    public const int NotAFolder = 20;    // ENOTDIR
    public const int NoSpace = 28;       // ENOSPC
    private const int NotPermitted = 1;  // EPERM
    private const int ReadOnlyDisk = 30; // EROFS

    // The flags differ between kernels and processors; ARM Linux swaps DIRECTORY and NOFOLLOW with DIRECT and LARGEFILE.
    private static readonly bool IsMac = OperatingSystem.IsMacOS();
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;
    private static readonly int NoFollow = IsMac ? 0x100 : IsArm ? 0x8000 : 0x20000;
    private static readonly int Folder = IsMac ? 0x100000 : IsArm ? 0x4000 : 0x10000;
    private static readonly int CloseOnExec = IsMac ? 0x1000000 : 0x80000;

    /// <summary>Opens a file for reading without following a link in its last part.</summary>
    /// <returns>The handle, or null with the error number.</returns>
    public static SafeFileHandle? OpenRead(string path, out int error)
    {
        var descriptor = Open(path, NoFollow | CloseOnExec);
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Makes a file's bytes and length durable.</summary>
    public static int SyncFile(SafeFileHandle handle) =>
        FSync(handle) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Makes the entries of a folder durable.</summary>
    public static int SyncFolder(string path)
    {
        var descriptor = Open(path, Folder | NoFollow | CloseOnExec);
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError();
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return SyncFile(handle);
    }

    /// <summary>Gives the file a second name unless that name is taken; atomic on every POSIX file system.</summary>
    public static int LinkTo(string existing, string added) =>
        Link(existing, added) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Translates an error number.</summary>
    public static ObjectStoreException Failure(string what, int error, bool isUnknown = false)
    {
        var kind = isUnknown
            ? ObjectStoreErrorKind.Unknown
            : error switch
            {
                NoSpace => ObjectStoreErrorKind.Full,
                Denied or NotPermitted or ReadOnlyDisk => ObjectStoreErrorKind.Denied,
                _ => ObjectStoreErrorKind.Unavailable,
            };
        return new ObjectStoreException(kind, $"{what}: {new Win32Exception(error).Message} (errno {error}).");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string added);
}
