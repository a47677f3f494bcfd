using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace Woodpecker.Faults.Network;

/// <summary>
/// Packets that the kernel loses, in a network namespace of this program's own. Every link has a loopback address of its own;
/// a routing rule for packets to it (requests) or from it (replies) sends them into a cable whose other end nobody holds. So the
/// sockets of the product repeat, back off and time out as they do behind a broken switch; a TCP proxy cannot show that, since
/// it acknowledges what it does not pass on.
/// </summary>
internal sealed partial class PacketLoss
{
    private const string Variable = "WOODPECKER_FAULTS_NAMESPACE";
    private const string Cable = "lost";
    private const string Table = "77";

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, LostPackets> _lost = [];
    private int _addresses;

    private PacketLoss()
    {
    }

    /// <summary>
    /// Starts this program anew, in place of itself, in a namespace of its own; returns where that is not permitted or was
    /// done already.
    /// </summary>
    public static void EnterNamespace(IReadOnlyList<string> arguments)
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(Variable) is not null || Run("unshare", "-n", "true").Length > 0)
            return;
        const string script =
            $"""
            ip link set lo up &&
            if ip link add {Cable} type veth peer name {Cable}-end && ip link set {Cable}-end up && ip link set {Cable} up arp off &&
                ip addr add 10.255.255.1/30 dev {Cable} && echo 1 > /proc/sys/net/ipv4/conf/{Cable}/route_localnet &&
                ip route add default dev {Cable} table {Table} && ip rule add pref 100 lookup local && ip rule del pref 0
            then export {Variable}=lossy
            else export {Variable}=plain
            fi
            exec "$@"
            """;
        string?[] command =
        [
            "unshare", "-n", "sh", "-c", script, "sh", Environment.ProcessPath, "exec", typeof(PacketLoss).Assembly.Location,
            .. arguments, null,
        ];
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "dotnet")
            command = [.. command[..7], .. command[9..]];
        _ = Execute("unshare", command);
    }

    /// <summary>Null, with a reason, where packets cannot be lost.</summary>
    public static PacketLoss? TryOpen(out string why)
    {
        var state = Environment.GetEnvironmentVariable(Variable);
        why = state switch
        {
            "lossy" => "",
            "plain" => "this machine's network namespaces cannot have a veth pair and routing rules",
            _ => "no network namespace of our own (needs Linux, unshare, ip and the right to use them)",
        };
        return state == "lossy" ? new PacketLoss() : null;
    }

    /// <summary>An address nobody else has.</summary>
    public IPAddress NextAddress() => new([127, 0, 1, checked((byte)Interlocked.Increment(ref _addresses))]);

    /// <summary>Packets of an address that are lost from now on.</summary>
    public void Lose(IPAddress address, LostPackets lost)
    {
        lock (_gate)
        {
            var before = _lost.GetValueOrDefault(address);
            foreach (var (kind, selector) in new[] { (LostPackets.Requests, "to"), (LostPackets.Replies, "from") })
            {
                if ((before & kind) == (lost & kind))
                    continue;
                var change = (lost & kind) != 0 ? "add" : "del";
                var error = Run("ip", "rule", change, "pref", "10", selector, address.ToString(), "lookup", Table);
                if (error.Length > 0)
                    throw new InvalidOperationException($"ip rule {change} {selector} {address}: {error}");
            }

            _lost[address] = lost;
        }
    }

    public void LoseNothing()
    {
        lock (_gate)
        {
            foreach (var address in _lost.Keys.ToList())
                Lose(address, LostPackets.None);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        try
        {
            // Not through the preloaded library, which is for the product.
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
            start.Environment.Remove("LD_PRELOAD");
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? "" : $"{errors.Trim()} (exit code {process.ExitCode.ToString(CultureInfo.InvariantCulture)})";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }

    [LibraryImport("libc", EntryPoint = "execvp", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string file, string?[] arguments);
}
