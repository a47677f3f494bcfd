using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Woodpecker.Faults.Network;

/// <summary>
/// An HTTP proxy in front of the real S3 server that fails requests before or after the server did them. The Host header
/// passes unchanged, so signatures stay right.
/// </summary>
internal sealed class StoreProxy : IAsyncDisposable
{
    private static readonly TimeSpan _slowness = TimeSpan.FromSeconds(2);
    private static readonly string[] _hopHeaders = ["Connection", "Keep-Alive", "Transfer-Encoding", "Expect"];

    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _client;
    private readonly string _target;
    private int _faults;

    private StoreProxy(WebApplication app, Uri target)
    {
        _app = app;
        _target = target.GetLeftPart(UriPartial.Authority);
        _client = new HttpMessageInvoker(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
    }

    public Uri Url { get; private set; } = new("http://127.0.0.1/");

    /// <summary>The fault of a share of the requests, by default of all.</summary>
    public (StoreFault Fault, double Share) Mode { get; set; } = (StoreFault.None, 1);

    /// <summary>Requests that met a fault.</summary>
    public int Faults => Volatile.Read(ref _faults);

    public static async Task<StoreProxy> StartAsync(Uri target, IPAddress address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(address, 0, static l => l.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        var proxy = new StoreProxy(app, target);
        app.Run(proxy.HandleAsync);
        await app.StartAsync();
        proxy.Url = new Uri(app.Urls.First());
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        Mode = (StoreFault.None, 1);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var (fault, share) = Mode;
        if (fault != StoreFault.None && Random.Shared.NextDouble() >= share)
            fault = StoreFault.None;
        if (fault != StoreFault.None)
            Interlocked.Increment(ref _faults);
        switch (fault)
        {
            case StoreFault.InternalError:
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            case StoreFault.SlowDown:
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            case StoreFault.Refused:
                context.Abort();
                return;
            case StoreFault.Silence:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            case StoreFault.Slow:
                await Task.Delay(_slowness, context.RequestAborted);
                break;
        }

        await ForwardAsync(context, fault);
    }

    private async Task ForwardAsync(HttpContext context, StoreFault fault)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var uri = new Uri(_target + raw, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), uri);
        if (context.Request.ContentLength is > 0 || context.Request.Headers.TransferEncoding.Count > 0)
            request.Content = new StreamContent(context.Request.Body);
        else if (context.Request.ContentLength == 0)
            request.Content = new ByteArrayContent([]);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (_hopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
                continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        using var response = await _client.SendAsync(request, context.RequestAborted);
        if (fault is StoreFault.LostAnswer or StoreFault.ErrorAfterCommit)
        {
            await response.Content.CopyToAsync(Stream.Null, context.RequestAborted);
            if (fault == StoreFault.LostAnswer)
                context.Abort();
            else
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            if (!_hopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
                context.Response.Headers.Append(name, values.ToArray());
        }

        if (context.Request.Method == HttpMethods.Head)
            return;
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
