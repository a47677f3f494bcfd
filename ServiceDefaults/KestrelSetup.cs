using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Woodpecker.ServiceDefaults;

/// <summary>The two listeners and the limits of a service.</summary>
internal sealed class KestrelSetup(ServiceSettings settings) : IConfigureOptions<KestrelServerOptions>
{
    // A sidecar multiplexes the streams of all callers over few connections; Kestrel's default of 100 refuses more.
    private const int MaxStreamsPerConnection = 10_000;
    // A stream whose log cannot go on holds its window until it can. The connection, which all callers share, must have
    // room for many of those, or a few blocked logs would block every other call too.
    private const int StreamWindowBytes = 1024 * 1024;
    private const int ConnectionWindowBytes = 128 * StreamWindowBytes;
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    public void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        var limits = options.Limits;
        limits.MaxRequestBodySize = settings.MaxMessageBytes;
        // A tail reader may stand still for as long as it likes: its stream is flow-controlled, not broken.
        limits.MinResponseDataRate = null;
        limits.MinRequestBodyDataRate = null;
        limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
        limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        limits.Http2.KeepAlivePingDelay = PingDelay;
        limits.Http2.KeepAlivePingTimeout = PingTimeout;

        // The order is that of IServerAddressesFeature: first app, then internal.
        Listen(options, settings.AppPort, HttpProtocols.Http2, Listener.App);
        Listen(options, settings.InternalPort, HttpProtocols.Http1, Listener.Internal);
    }

    private void Listen(KestrelServerOptions options, int port, HttpProtocols protocols, Listener listener) =>
        options.Listen(settings.Address, port, listen =>
        {
            listen.Protocols = protocols;
            listen.Use(next => connection =>
            {
                connection.Features.Set(listener);
                return next(connection);
            });
        });
}
