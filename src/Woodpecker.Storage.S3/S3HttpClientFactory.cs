using Amazon.Runtime;

namespace Woodpecker.Storage.S3;

/// <summary>The HTTP client of one store: connections of its own, which a refused put leaves usable.</summary>
/// <remarks>
/// The SDK announces every put (<c>Expect: 100-continue</c>), so that a server can refuse it before the body is sent. .NET sends
/// a body of at most 1,024 bytes all the same, to keep the connection; Ceph's gateway, which has answered by then, takes these bytes for
/// the beginning of the next request, and an unrelated call fails with 400 or a broken connection. Such small bodies are
/// therefore not announced: the server reads them before it refuses. Larger ones are, and .NET gives the connection up if they are refused.
/// </remarks>
internal sealed class S3HttpClientFactory : HttpClientFactory, IDisposable
{
    private const int AnnouncedFrom = 1_025;

    private readonly HttpClient _client;

    /// <summary>Makes the client; no connection is opened yet.</summary>
    public S3HttpClientFactory(S3ObjectStoreOptions options)
    {
        var sockets = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = options.MaxConnections,
            AllowAutoRedirect = false, // The SDK follows redirects itself: it must sign again.
        };
        _client = new HttpClient(new SmallBodies(sockets)) { Timeout = options.RequestTimeout };
    }

    /// <inheritdoc/>
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

    /// <inheritdoc/>
    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    /// <inheritdoc/>
    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private sealed class SmallBodies(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is null or { Headers.ContentLength: < AnnouncedFrom })
                request.Headers.ExpectContinue = false;
            return base.SendAsync(request, cancellationToken);
        }
    }
}
