using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Woodpecker.AppHost.Plan;

/// <summary>The real machine. Nothing here touches the network beyond binding loopback ports.</summary>
internal sealed partial class Machine : IMachine, IDisposable
{
    private const int FirstFreePort = 20000; // Below the usual range of outgoing connections,
    private const int LastFreePort = 29999;  // so none takes a port between this probe and its use.
    private const int BlockSize = 100; // Taken as a whole, so that two AppHosts never choose the same port.
    private const int TokenBytes = 16;

    private static readonly TimeSpan VersionLimit = TimeSpan.FromSeconds(5);

    private readonly PortReservation _reservation = new();
    private readonly Queue<int> _candidates = new();

    public Tool? FindTool(string name, string? path, Version lowest)
    {
        var candidates = path is not null
            ? [path]
            : (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Select(folder => Path.Combine(folder, name));
        foreach (var candidate in candidates.Where(IsExecutable))
        {
            if (AskVersion(candidate) is not { } version)
                Console.Error.WriteLine($"warn: {candidate} does not answer --version and is skipped.");
            else if (version < lowest)
                Console.Error.WriteLine(
                    $"warn: {candidate} is version {version}, {lowest} or newer is needed; it is skipped.");
            else
                return new Tool(Path.GetFullPath(candidate), version);
        }

        return null;
    }

    public bool IsPortFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public bool ReservePorts(int first) => _reservation.TryTake(first);

    public int FreePort(ISet<int> taken)
    {
        while (true)
        {
            while (_candidates.TryDequeue(out var port))
            {
                if (!taken.Contains(port) && IsPortFree(port))
                    return port;
            }

            TakeBlock();
        }
    }

    public void Dispose() => _reservation.Dispose();

    public string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    private void TakeBlock()
    {
        const int blocks = (LastFreePort - FirstFreePort + 1) / BlockSize;
        var start = RandomNumberGenerator.GetInt32(blocks);
        for (var i = 0; i < blocks; i++)
        {
            var first = FirstFreePort + ((start + i) % blocks * BlockSize);
            if (!_reservation.TryTake(first))
                continue;
            for (var port = first; port < first + BlockSize; port++)
                _candidates.Enqueue(port);
            return;
        }

        throw new RunPlanException($"No free port between {FirstFreePort} and {LastFreePort}.");
    }

    private static bool IsExecutable(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & execute) != 0);
    }

    private static Version? AskVersion(string path)
    {
        var start = new ProcessStartInfo(path, ["--version"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            if (!process.WaitForExit(VersionLimit))
            {
                process.Kill();
                return null;
            }

            var match = VersionNumber().Match(process.StandardOutput.ReadToEnd());
            return match.Success && Version.TryParse(match.Value, out var version) ? version : null;
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException or IOException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\d+\.\d+(\.\d+)?")]
    private static partial Regex VersionNumber();
}
