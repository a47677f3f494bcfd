using dotnet_etcd;
using dotnet_etcd.interfaces;

namespace Woodpecker.Metadata.Etcd;

/// <summary>The channel to etcd; another one takes its place when calls run into their limit one after another.</summary>
/// <remarks>
/// A channel may not find a server again that was away for long: its connection attempt ended by a time-out and nobody begins
/// the next one (grpc-dotnet#2734), or the connection is dead and nothing tells. A channel made anew dials anew. What is in
/// flight on the old one fails as on any broken connection; watches end and are begun again by their callers (X5).
/// Threads: any.
/// </remarks>
internal sealed class EtcdLink(EtcdConnectionString connection, TimeSpan callTimeout, TimeProvider time) : IDisposable
{
    // So many calls in a row without any answer between, and not more often than one call may take that many times.
    private const int SilentCalls = 3;

    private readonly Lock _gate = new();
    private volatile Channel _channel = new(connection);
    private int _silent;
    private long _openedAt = time.GetTimestamp();
    private bool _isDisposed;

    /// <summary>The present connection; dialled by its first call.</summary>
    public IConnection Connection => _channel.Connection;

    /// <summary>etcd answered, with whatever.</summary>
    public void OnAnswer() => Volatile.Write(ref _silent, 0);

    /// <summary>A call failed.</summary>
    /// <param name="limit">Its limit: only a call that ran into it tells that nobody answers.</param>
    public void OnFailure(CallLimit limit)
    {
        if (!limit.HasExpired || Interlocked.Increment(ref _silent) < SilentCalls)
            return;
        Channel old;
        lock (_gate)
        {
            if (_isDisposed || time.GetElapsedTime(_openedAt) < SilentCalls * callTimeout)
                return;
            old = _channel;
            _channel = new Channel(connection);
            _openedAt = time.GetTimestamp();
            Volatile.Write(ref _silent, 0);
        }

        old.Client.Dispose();
    }

    /// <summary>Closes the channel; calls in flight fail.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isDisposed = true;
        _channel.Client.Dispose();
    }

    private sealed class Channel
    {
        public Channel(EtcdConnectionString connection)
        {
            Client = EtcdChannel.Open(connection);
            Connection = Client.GetConnection();
        }

        public EtcdClient Client { get; }

        public IConnection Connection { get; }
    }
}
