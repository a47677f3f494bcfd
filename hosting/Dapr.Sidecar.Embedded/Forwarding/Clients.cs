using System.Net;
using System.Text;

namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>The two pools of connections: to sidecars and applications, and to foreign addresses.</summary>
internal sealed class Clients : IDisposable
{
    // The window of a whole connection is fixed at 64 MiB: this lets 128 readers stand still before others suffer. Busy
    // streams on slow ways get more by themselves.
    private const int StreamWindowBytes = 512 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    /// <summary>To other sidecars and to applications.</summary>
    public HttpMessageInvoker Local { get; } = new(Create(redirects: false));

    /// <summary>To <c>http(s)://</c> targets, whose redirects are followed.</summary>
    public HttpMessageInvoker Foreign { get; } = new(Create(redirects: true));

    public void Dispose()
    {
        Local.Dispose();
        Foreign.Dispose();
    }

    private static SocketsHttpHandler Create(bool redirects) => new()
    {
        ConnectTimeout = ConnectTimeout,
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = StreamWindowBytes,
        KeepAlivePingDelay = PingDelay,
        KeepAlivePingTimeout = PingTimeout,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = redirects,
        AutomaticDecompression = DecompressionMethods.None,
        // The trace context is written by CallTrace.
        ActivityHeadersPropagator = null,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
    };
}
