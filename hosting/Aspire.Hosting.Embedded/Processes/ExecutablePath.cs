namespace Aspire.Hosting.Processes;

internal static class ExecutablePath
{
    /// <summary>
    /// Full path of a program: as given if it names a folder, else the first executable file on PATH; or null.
    /// </summary>
    public static string? Find(string command, string workingDirectory)
    {
        if (command.Contains('/', StringComparison.Ordinal))
            return IsExecutable(Path.GetFullPath(command, workingDirectory));
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var found = folders.Select(folder => IsExecutable(Path.Combine(folder, command)))
            .FirstOrDefault(path => path is not null);
        // A `dotnet` that is not on PATH: the one that runs this host.
        return found ?? (command == "dotnet" ? Environment.ProcessPath : null);
    }

    private static string? IsExecutable(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & execute) != 0) ? path
            : null;
    }
}
