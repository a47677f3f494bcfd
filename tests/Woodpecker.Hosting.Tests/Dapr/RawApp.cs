using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>An HTTP/1.1 server that gives one canned answer to whatever comes, headers that no framework would send included.</summary>
internal sealed class RawApp : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly byte[] _answer;
    private readonly Task _serving;

    public RawApp(string answer)
    {
        _answer = Encoding.ASCII.GetBytes(answer.ReplaceLineEndings("\r\n"));
        Port = FreePort.Next();
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port { get; }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var stream = client.GetStream();
                if (await stream.ReadAsync(new byte[16 * 1024]) > 0)
                {
                    await stream.WriteAsync(_answer);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            catch (IOException)
            {
                // the client went away: next
            }
        }
    }
}
