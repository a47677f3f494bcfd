using System.Diagnostics;
using System.Globalization;

namespace Woodpecker.Faults.Shim;

/// <summary>
/// The preloaded library of <c>shim.c</c>, built by the C compiler of this machine. Processes started while it is active
/// carry it; nothing happens to them until a fault is set.
/// </summary>
internal sealed class FaultShim : IDisposable
{
    private const string Preload = "LD_PRELOAD";
    private const string Variable = "WOODPECKER_FAULTS";

    private readonly string _folder;

    private FaultShim(string folder) => _folder = folder;

    /// <summary>Builds it and puts it into the environment of what is started from now on; null with a reason if it cannot.</summary>
    public static FaultShim? TryActivate(out string why)
    {
        if (!OperatingSystem.IsLinux())
        {
            why = "preloading a library needs Linux";
            return null;
        }

        var folder = Directory.CreateTempSubdirectory("woodpecker-shim-").FullName;
        var library = Path.Combine(folder, "shim.so");
        var source = Path.Combine(AppContext.BaseDirectory, "Shim", "shim.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo(
                "gcc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"])
            { RedirectStandardError = true })!;
            var errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            if (compiler.ExitCode != 0)
            {
                why = $"gcc could not build the shim: {errors.Trim()}";
                return null;
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            why = "there is no gcc to build the shim with";
            return null;
        }

        Environment.SetEnvironmentVariable(Preload, library);
        Environment.SetEnvironmentVariable(Variable, folder);
        why = "";
        return new FaultShim(folder);
    }

    /// <summary>Faults of one process from now on; all zero for none.</summary>
    public void Set(int pid, ShimFaults faults)
    {
        using var file = new FileStream(PathOf(pid), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Span<byte> bytes = stackalloc byte[28];
        BitConverter.TryWriteBytes(bytes, faults.SyncError);
        BitConverter.TryWriteBytes(bytes[4..], faults.WriteError);
        BitConverter.TryWriteBytes(bytes[8..], faults.SyncDelay);
        BitConverter.TryWriteBytes(bytes[16..], faults.Clock.Ticks * 100);
        BitConverter.TryWriteBytes(bytes[24..], faults.HasShortWrites ? 1 : 0);
        file.Write(bytes);
    }

    /// <summary>Faults that happened in a process since they were set last.</summary>
    public int Hits(int pid)
    {
        using var file = new FileStream(PathOf(pid), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> bytes = stackalloc byte[28];
        file.ReadExactly(bytes);
        return BitConverter.ToInt32(bytes[12..]);
    }

    public bool Covers(int pid) => File.Exists(PathOf(pid));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Preload, null);
        Environment.SetEnvironmentVariable(Variable, null);
        Directory.Delete(_folder, recursive: true);
    }

    private string PathOf(int pid) => Path.Combine(_folder, pid.ToString(CultureInfo.InvariantCulture));
}
