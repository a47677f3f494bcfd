using System.Net;
using System.Net.Sockets;

namespace Woodpecker.Faults.Network;

/// <summary>
/// A TCP proxy in front of one port. What a silent link held back is delivered when it opens again, as TCP would do by
/// repeating it.
/// </summary>
internal sealed class TcpLink : IAsyncDisposable
{
    private static readonly TimeSpan _delay = TimeSpan.FromMilliseconds(200);

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _open = [];
    private readonly int _target;
    private readonly PacketLoss? _packets;
    private readonly Task _accepting;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LinkState _state;

    /// <param name="name">For people.</param>
    /// <param name="target">Port on loopback that is behind it.</param>
    /// <param name="packets">Gives it an address of its own, whose packets can be lost; null for the usual one.</param>
    public TcpLink(string name, int target, PacketLoss? packets)
    {
        Name = name;
        _target = target;
        _packets = packets;
        Address = packets?.NextAddress() ?? IPAddress.Loopback;
        _listener.Bind(new IPEndPoint(Address, 0));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync();
    }

    public string Name { get; }

    /// <summary>Where clients connect to.</summary>
    public int Port { get; }

    /// <summary>A loopback address; its own where packets can be lost.</summary>
    public IPAddress Address { get; }

    public string Url => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"http://{Address}:{Port}");

    /// <summary>Packets between the client and this link that the kernel loses from now on.</summary>
    public void Lose(LostPackets lost) =>
        (_packets ?? throw new InvalidOperationException("No namespace.")).Lose(Address, lost);

    public LinkState State
    {
        get => _state;
        set
        {
            List<Socket> reset = [];
            lock (_gate)
            {
                _state = value;
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                if (value == LinkState.Cut)
                    reset.AddRange(_open);
            }

            foreach (var socket in reset)
                Reset(socket);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        State = LinkState.Cut;
        await _accepting;
        _stop.Dispose(); // Tokens that pumps still hold stay cancelled.
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptAsync(_stop.Token);
                if (State == LinkState.Cut)
                    Reset(client);
                else
                    _ = ServeAsync(client);
            }
            catch (SocketException)
            {
                // That client has gone already; others come.
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        lock (_gate)
            _open.UnionWith([client, server]);
        try
        {
            client.NoDelay = server.NoDelay = true;
            await PassAsync(static state => state is not (LinkState.Silent or LinkState.DropsRequests));
            await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            await Task.WhenAll(
                PumpAsync(client, server, static state => state is not (LinkState.Silent or LinkState.DropsRequests)),
                PumpAsync(server, client, static state => state is not (LinkState.Silent or LinkState.DropsReplies)));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Reset(client);
            Reset(server);
        }
        finally
        {
            lock (_gate)
                _open.ExceptWith([client, server]);
            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Func<LinkState, bool> passes)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var count = await from.ReceiveAsync(buffer, _stop.Token);
            await PassAsync(passes);
            if (count == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }

            if (State == LinkState.Slow)
                await Task.Delay(_delay, _stop.Token);
            for (var sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
        }
    }

    private async Task PassAsync(Func<LinkState, bool> passes)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (passes(_state))
                    return;
                change = _changed.Task;
            }

            await change.WaitAsync(_stop.Token);
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Dispose();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already, which is what was wanted.
        }
    }
}
