using System.Diagnostics;

namespace Woodpecker.Fuzz;

/// <summary>Makes the instrumented copy of this program and runs it.</summary>
internal static class Instrumented
{
    private static readonly string[] _libraries =
        ["Woodpecker.Core.dll", "Woodpecker.Format.dll", "Woodpecker.Protocol.dll", "Woodpecker.Storage.dll", "Woodpecker.Storage.S3.dll"];

    public static int Start(string[] args)
    {
        var folder = Directory.CreateTempSubdirectory("woodpecker-fuzz-").FullName;
        try
        {
            Copy(AppContext.BaseDirectory, folder);
            foreach (var library in _libraries)
                SharpFuzz.Fuzzer.Instrument(Path.Combine(folder, library), static _ => true, SharpFuzz.Options.Value);
            var start = new ProcessStartInfo("dotnet") { UseShellExecute = false };
            foreach (var argument in (string[])["exec", Path.Combine(folder, "Woodpecker.Fuzz.dll"), "--instrumented", .. args])
                start.ArgumentList.Add(argument);
            using var child = Process.Start(start)!;
            child.WaitForExit();
            return child.ExitCode;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.GetDirectories(from).Select(static path => Path.GetFileName(path)))
        {
            if (folder is not ("golden" or "runtimes"))
                continue;
            Directory.CreateDirectory(Path.Combine(to, folder));
            Copy(Path.Combine(from, folder), Path.Combine(to, folder));
        }
    }
}
