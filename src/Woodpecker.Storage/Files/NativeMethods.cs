using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Woodpecker.Storage.Files;

/// <summary>
/// The calls of the C library and of Windows that make bytes durable. The runtime's own flush ignores some error codes
/// (J4), so results are checked here and nowhere hidden.
/// </summary>
internal static partial class NativeMethods
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int CloseOnExec = 0x80000;

    public const int LockExclusive = 2;
    public const int LockWithoutWaiting = 4;
    public const int AdviseNotNeeded = 4;

    public const int ErrorInterrupted = 4;
    public const int ErrorAgain = 11;
    public const int ErrorExists = 17;
    public const int ErrorInvalid = 22;
    public const int ErrorNotSupported = 95;

    private static readonly bool _isArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    // The three flags have other values on ARM than on x86.
    public static int Direct => _isArm ? 0x10000 : 0x4000;

    public static int Directory => _isArm ? 0x4000 : 0x10000;

    public static int NoFollow => _isArm ? 0x8000 : 0x20000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle file, int mode, long position, long length);

    [LibraryImport("libc", EntryPoint = "posix_fadvise", SetLastError = false)]
    public static partial int Advise(SafeFileHandle file, long position, long length, int advice);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string existingPath, string newPath);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string path, string newPath);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport("kernel32", EntryPoint = "FlushFileBuffers", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool FlushFileBuffers(SafeFileHandle file);

    [LibraryImport("kernel32", EntryPoint = "CreateHardLinkW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CreateHardLink(string newPath, string existingPath, nint reserved);
}
