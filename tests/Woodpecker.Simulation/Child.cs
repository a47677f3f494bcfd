using System.Diagnostics;

namespace Woodpecker.Simulation;

/// <summary>This program once more, in a process of its own.</summary>
internal static class Child
{
    /// <summary>Runs it and hands on its lines.</summary>
    /// <returns>Its exit code.</returns>
    public static int Run(IEnumerable<string> arguments, Action<string> onLine, Action<ProcessStartInfo>? configure = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Started by "dotnet program.dll" or as a program of its own.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(Child).Assembly.Location);
        }

        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        configure?.Invoke(start);
        using var process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
            onLine(line);
        process.WaitForExit();
        return process.ExitCode;
    }
}
