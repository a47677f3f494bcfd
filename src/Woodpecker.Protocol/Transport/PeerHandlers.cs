namespace Woodpecker.Protocol.Transport;

/// <summary>Connections to sidecars and peers.</summary>
internal static class PeerHandlers
{
    // The window of a whole connection is fixed at 64 MiB: this lets 128 readers stand still before others suffer. Busy
    // streams on slow ways get more by themselves.
    private const int StreamWindowBytes = 512 * 1024;
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The pool of one endpoint kind. A peer that vanished without a word is found out by pings; a connection that broke
    /// leaves the pool by itself. Trace context is propagated by the handler.
    /// </summary>
    public static SocketsHttpHandler Create(TransportOptions options) => new()
    {
        ConnectTimeout = options.ConnectTimeout,
        // More streams than the peer allows on one connection must not queue behind streams that live for hours.
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = StreamWindowBytes,
        KeepAlivePingDelay = PingDelay,
        KeepAlivePingTimeout = PingTimeout,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
    };
}
