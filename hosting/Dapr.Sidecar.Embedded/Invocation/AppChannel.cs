using System.Globalization;
using Dapr.Sidecar.Embedded.Api;
using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Invocation;

/// <summary>
/// The way to the own application: its protocol, its token, its limit of calls at a time. A call holds its place until
/// its answer has ended; one that is cancelled while it waits leaves the queue.
/// </summary>
internal sealed class AppChannel : IDisposable
{
    private readonly SidecarOptions _options;
    private readonly HttpForwarder _http;
    private readonly GrpcForwarder _grpc;
    private readonly Clients _clients;
    private readonly SemaphoreSlim? _places;
    private readonly string _authority;

    public AppChannel(SidecarOptions options, HttpForwarder http, GrpcForwarder grpc, Clients clients)
    {
        _options = options;
        _http = http;
        _grpc = grpc;
        _clients = clients;
        _places = options.AppMaxConcurrency > 0 ? new SemaphoreSlim(options.AppMaxConcurrency) : null;
        _authority = string.Create(CultureInfo.InvariantCulture, $"http://{options.AppChannelAddress}:{options.AppPort}");
    }

    public async Task HttpAsync(HttpContext context, string pathAndQuery, CallHeaders headers)
    {
        if (_options.AppPort == 0)
        {
            await ApiError.InvokeFailedAsync(context, _options.AppId, "there is no application behind this sidecar (--app-port)");
            return;
        }

        if (_options.AppProtocol == AppProtocol.Grpc)
        {
            await ApiError.InvokeFailedAsync(
                context, _options.AppId, "HTTP invocation of an application with --app-protocol grpc is not supported here");
            return;
        }

        await using var place = await EnterAsync(context.RequestAborted);
        var result = await _http.SendAsync(
            context, Address(pathAndQuery), headers, _clients.Local, _options.AppProtocol == AppProtocol.H2c);
        if (result is HopResult.NotSent or HopResult.Broken or HopResult.TooLarge)
        {
            await ApiError.InvokeFailedAsync(context, _options.AppId, HttpEndpoint.Reason(result, "the application", _options));
        }
    }

    public async Task GrpcAsync(HttpContext context, string path, CallHeaders headers)
    {
        if (_options.AppPort == 0 || _options.AppProtocol == AppProtocol.Http)
        {
            await GrpcStatus.EndAsync(
                context, GrpcStatus.Unavailable, $"{_options.AppId} has no gRPC application behind its sidecar (--app-port, --app-protocol)");
            return;
        }

        await using var place = await EnterAsync(context.RequestAborted);
        if (await _grpc.SendAsync(context, Address(path), headers) is HopResult.NotSent or HopResult.Broken)
        {
            await GrpcStatus.EndAsync(context, GrpcStatus.Unavailable, $"the application {_options.AppId} did not answer");
        }
    }

    public void Dispose() => _places?.Dispose();

    private Uri Address(string pathAndQuery) =>
        new(_authority + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    private async ValueTask<Place> EnterAsync(CancellationToken cancellation)
    {
        if (_places is not null)
        {
            await _places.WaitAsync(cancellation);
        }

        return new Place(_places);
    }

    private readonly struct Place(SemaphoreSlim? places) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            places?.Release();
            return default;
        }
    }
}
