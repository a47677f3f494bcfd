using System.Net;
using System.Net.Sockets;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>Ports for processes that must be told theirs: below the ephemeral range, so that no outgoing connection takes one.</summary>
internal static class FreePort
{
    private const int First = 20_000;
    private const int Count = 10_000;
    private static int _next = Random.Shared.Next(Count);

    public static int Next()
    {
        for (var i = 0; i < Count; i++)
        {
            var port = First + ((Interlocked.Increment(ref _next) & int.MaxValue) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // taken: the next one
            }
        }

        throw new InvalidOperationException("no free port");
    }
}
