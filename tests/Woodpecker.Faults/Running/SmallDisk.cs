using System.Diagnostics;

namespace Woodpecker.Faults.Running;

/// <summary>A small file system in memory, mounted where a replica keeps its data; needs the right to mount.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Filler = "filler";

    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    public static SmallDisk? TryMount(string folder, int megabytes, out string why)
    {
        Directory.CreateDirectory(folder);
        why = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "tmpfs", folder);
        return why.Length == 0 ? new SmallDisk(folder) : null;
    }

    /// <summary>Takes all free space, but for a few pages.</summary>
    public void Fill()
    {
        using var file = new FileStream(Path.Combine(_folder, Filler), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in new[] { 1024 * 1024, 4096 })
        {
            var piece = new byte[size];
            try
            {
                while (true)
                    file.Write(piece);
            }
            catch (IOException)
            {
                // Full, for pieces of this size.
            }
        }
    }

    /// <summary>Journal files that were made in advance and are left.</summary>
    public int Spares() => Directory.EnumerateFiles(_folder, "spare-*.wpj").Count();

    public void Empty() => File.Delete(Path.Combine(_folder, Filler));

    public void Dispose() => Run("umount", "-l", _folder);

    private static string Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? "" : errors.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
