using System.Net;
using System.Net.Sockets;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>A way to a server whose first connection is accepted and never answered; later ones are as they should be.</summary>
internal sealed class SilentFirstLink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<TcpClient> _open = [];
    private readonly Uri _server;
    private readonly Task _loop;

    public SilentFirstLink(string server)
    {
        _server = new Uri(server);
        _listener.Start();
        _loop = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _loop;
        _open.ForEach(static client => client.Dispose());
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> copies = [];
        try
        {
            _open.Add(await _listener.AcceptTcpClientAsync(_stop.Token));
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_stop.Token);
                var far = new TcpClient();
                _open.AddRange([near, far]);
                await far.ConnectAsync(_server.Host, _server.Port, _stop.Token);
                copies.Add(CopyAsync(near, far));
                copies.Add(CopyAsync(far, near));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(copies);
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One of the two ends is gone, or the test is over.
        }
    }
}
