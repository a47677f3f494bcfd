using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Woodpecker.Storage.Files;

/// <summary>Operations on names, and making them durable: a created, renamed or deleted name survives only a synced directory (J8).</summary>
/// <remarks>Errors: <see cref="DurableIOException"/>. On Windows names are made durable by the file system's own journal.</remarks>
public static class DirectorySync
{
    private const uint OwnerOnly = 0x1C0; // rwx------

    /// <summary>Makes the names in a directory durable.</summary>
    public static void Sync(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        var flags = NativeMethods.ReadOnly | NativeMethods.CloseOnExec | (OperatingSystem.IsLinux() ? NativeMethods.Directory : 0);
        var descriptor = NativeMethods.Open(directory, flags, 0);
        if (descriptor < 0)
            throw new DurableIOException("open", directory, Marshal.GetLastPInvokeError());
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (NativeMethods.Sync(handle) != 0)
            throw new DurableIOException("fsync", directory, Marshal.GetLastPInvokeError());
    }

    /// <summary>Creates the directory and its missing parents, each readable by its owner only, and syncs every parent.</summary>
    public static void CreateDurably(string directory)
    {
        directory = Path.GetFullPath(directory);
        if (Directory.Exists(directory))
            return;
        var parent = Path.GetDirectoryName(directory) ?? throw new DurableIOException("mkdir", directory, 0);
        CreateDurably(parent);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        if (NativeMethods.MakeDirectory(directory, OwnerOnly) != 0 && Marshal.GetLastPInvokeError() is var error and not NativeMethods.ErrorExists)
            throw new DurableIOException("mkdir", directory, error);
        Sync(parent);
    }

    /// <summary>Renames a file, replacing an existing one. Both directories are left to the caller to sync.</summary>
    public static void Rename(string path, string newPath)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Move(path, newPath, overwrite: true);
            return;
        }

        if (NativeMethods.Rename(path, newPath) != 0)
            throw new DurableIOException("rename", path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Deletes a file. The directory is left to the caller to sync.</summary>
    public static void Delete(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Delete(path);
            return;
        }

        if (NativeMethods.Unlink(path) != 0)
            throw new DurableIOException("unlink", path, Marshal.GetLastPInvokeError());
    }

    /// <summary>
    /// Gives an existing file a second name, atomically and only if that name is free: the file system's put-if-absent.
    /// </summary>
    /// <returns>False if the name was taken.</returns>
    public static bool TryLink(string existingPath, string newPath)
    {
        if (OperatingSystem.IsWindows())
        {
            if (NativeMethods.CreateHardLink(newPath, existingPath, 0))
                return true;
            const int AlreadyExists = 183;
            var windowsError = Marshal.GetLastPInvokeError();
            return windowsError == AlreadyExists ? false : throw new DurableIOException("link", newPath, windowsError);
        }

        if (NativeMethods.Link(existingPath, newPath) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NativeMethods.ErrorExists ? false : throw new DurableIOException("link", newPath, error);
    }
}
