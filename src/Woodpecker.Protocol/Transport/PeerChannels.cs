using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;

namespace Woodpecker.Protocol.Transport;

/// <summary>
/// <see cref="IPeerChannels"/> over the own Dapr sidecar or straight to the peers: the only place that knows sidecar
/// ports and routing metadata. Connects on first use.
/// </summary>
public sealed class PeerChannels : IPeerChannels
{
    private const string AppIdHeader = "dapr-app-id";
    private const string ApiTokenHeader = "dapr-api-token";
    // With a retry policy a sidecar buffers streams or refuses them, unless this tells it that the call is one.
    private const string StreamHeader = "dapr-stream";

    private readonly TransportOptions _options;
    private readonly HttpClient _grpcClient;
    private readonly SocketsHttpHandler _controlHandler;
    private readonly ConcurrentDictionary<Uri, GrpcChannel> _channels = new();
    private readonly ConcurrentDictionary<string, CallInvoker> _invokers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, HttpClient> _controls = new(StringComparer.Ordinal);
    private volatile bool _disposed;

    /// <summary>Checks the options and opens nothing yet.</summary>
    /// <exception cref="TransportConfigurationException">Dapr transport without the sidecar's addresses.</exception>
    public PeerChannels(TransportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Kind == TransportKind.Dapr)
        {
            Demand(options.DaprGrpcEndpoint, "DAPR_GRPC_ENDPOINT", "gRPC");
            Demand(options.DaprHttpEndpoint, "DAPR_HTTP_ENDPOINT", "HTTP");
        }

        _options = options;
        // Given a client instead of a handler, a channel leaves connecting to the pool, which dials anew for each call.
        // With a handler it manages connections itself and, after a failure, refuses calls for up to two minutes.
        _grpcClient = new HttpClient(PeerHandlers.Create(options)) { Timeout = Timeout.InfiniteTimeSpan };
        _controlHandler = PeerHandlers.Create(options);
    }

    /// <inheritdoc />
    public CallInvoker GetInvoker(string appId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _invokers.TryGetValue(appId, out var invoker) ? invoker : _invokers.GetOrAdd(appId, CreateInvoker);
    }

    /// <inheritdoc />
    public HttpClient GetControlClient(string appId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _controls.TryGetValue(appId, out var client) ? client : _controls.GetOrAdd(appId, CreateControl);
    }

    /// <summary>Ends all calls. Clients handed out are unusable afterwards.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var channel in _channels.Values)
        {
            channel.Dispose();
        }

        foreach (var client in _controls.Values)
        {
            client.Dispose();
        }

        _grpcClient.Dispose();
        _controlHandler.Dispose();
    }

    private CallInvoker CreateInvoker(string appId)
    {
        AppId.Check(appId);
        var dapr = _options.Kind == TransportKind.Dapr;
        var route = new Metadata();
        if (dapr)
        {
            route.Add(AppIdHeader, appId);
            route.Add(StreamHeader, "true");
        }

        if (Token is { } token)
        {
            route.Add(ApiTokenHeader, token);
        }

        var channel = _channels.GetOrAdd(dapr ? _options.DaprGrpcEndpoint! : DirectAddress(appId), OpenChannel);
        return new PeerCallInvoker(channel.CreateCallInvoker(), route);
    }

    private GrpcChannel OpenChannel(Uri address) => GrpcChannel.ForAddress(address, new GrpcChannelOptions
    {
        HttpClient = _grpcClient,
        MaxReceiveMessageSize = _options.MaxMessageBytes,
        MaxSendMessageSize = _options.MaxMessageBytes,
    });

    private HttpClient CreateControl(string appId)
    {
        AppId.Check(appId);
        var dapr = _options.Kind == TransportKind.Dapr;
        var client = new HttpClient(_controlHandler, disposeHandler: false)
        {
            BaseAddress = dapr ? _options.DaprHttpEndpoint! : DirectAddress(appId),
            Timeout = _options.ControlTimeout,
            // A sidecar's API speaks HTTP/1.1, a cleartext app port HTTP/2 only.
            DefaultRequestVersion = dapr ? HttpVersion.Version11 : HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (dapr)
        {
            client.DefaultRequestHeaders.Add(AppIdHeader, appId);
        }

        if (Token is { } token)
        {
            client.DefaultRequestHeaders.Add(ApiTokenHeader, token);
        }

        return client;
    }

    private string? Token => _options.Kind == TransportKind.Dapr ? _options.DaprApiToken : _options.AppApiToken;

    private Uri DirectAddress(string appId) => _options.FindDirectAddress(appId)
        ?? throw new TransportConfigurationException(
            $"{TransportOptions.DirectKey(appId)} is missing: direct transport needs the address of {appId}'s app port.");

    private static void Demand(Uri? endpoint, string key, string kind)
    {
        if (endpoint is null)
        {
            throw new TransportConfigurationException(
                $"{key} is missing: set it to the {kind} address of this process's Dapr sidecar, or set Woodpecker:Transport=Direct.");
        }
    }
}
