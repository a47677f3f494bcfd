using System.Net.Sockets;
using Dapr.Sidecar.Embedded.Cli;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>Waits until the application accepts connections, as daprd does before it calls itself healthy.</summary>
internal static class AppWatch
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static async Task RunAsync(SidecarOptions options, SidecarState state, TimeProvider time, CancellationToken stop)
    {
        while (options.AppPort != 0 && !await AcceptsAsync(options, stop))
        {
            await Task.Delay(Pause, time, stop);
        }

        state.SetAppListens();
    }

    private static async Task<bool> AcceptsAsync(SidecarOptions options, CancellationToken stop)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(options.AppChannelAddress, options.AppPort, stop);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
