using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Woodpecker.Faults.Running;

/// <summary>One more process of a service that runs already: same command and environment, another name and other ports.</summary>
internal sealed class SecondProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private SecondProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts it under another name, on other ports.</summary>
    public static SecondProcess StartLike(int pid, string nodeId)
    {
        var start = Like(pid);
        start.Environment["Woodpecker__NodeId"] = nodeId;
        start.Environment["Woodpecker__Endpoints__InternalPort"] = FreePort();
        start.Environment["Woodpecker__Endpoints__AppPort"] = FreePort();
        return new SecondProcess(Process.Start(start)!);
    }

    /// <summary>How to start it again as it is, but for its program, which another checkout has.</summary>
    public static ProcessStartInfo LikeOf(int pid, string from, string to)
    {
        var start = Like(pid);
        for (var i = 0; i < start.ArgumentList.Count; i++)
            start.ArgumentList[i] = start.ArgumentList[i].Replace(from, to, StringComparison.Ordinal);
        return start;
    }

    public static SecondProcess Start(ProcessStartInfo start) => new(Process.Start(start)!);

    private static ProcessStartInfo Like(int pid)
    {
        var command = Strings(pid, "cmdline");
        var start = new ProcessStartInfo(File.ResolveLinkTarget($"/proc/{pid}/exe", returnFinalTarget: true)!.FullName, command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = File.ResolveLinkTarget($"/proc/{pid}/cwd", returnFinalTarget: true)!.FullName,
        };
        start.Environment.Clear();
        foreach (var pair in Strings(pid, "environ"))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                start.Environment[pair[..equals]] = pair[(equals + 1)..];
        }

        return start;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            if (_output.Length < 100_000)
                _output.AppendLine(line.Data);
        }
    }

    private static string[] Strings(int pid, string file) => File.ReadAllText(
        string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}")).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private static string FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
    }
}
