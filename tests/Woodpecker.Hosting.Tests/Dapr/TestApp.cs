using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>An application behind a sidecar: HTTP routes and a gRPC service on one port. Can be restarted on the same port.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly HttpProtocols _protocols;
    private readonly ConcurrentDictionary<string, int> _calls = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();
    private WebApplication? _app;

    private TestApp(HttpProtocols protocols)
    {
        _protocols = protocols;
        Port = FreePort.Next();
    }

    public int Port { get; }

    public EchoState Echo { get; } = new();

    public static TestApp Create(HttpProtocols protocols = HttpProtocols.Http2) => new(protocols);

    public static async Task<TestApp> StartAsync(HttpProtocols protocols = HttpProtocols.Http2)
    {
        var app = new TestApp(protocols);
        await app.StartAsync();
        return app;
    }

    /// <summary>Calls that reached the application with this id.</summary>
    public int Calls(string id) => _calls.GetValueOrDefault(id);

    /// <summary>Lets one waiting handler go on.</summary>
    public void Open(string id) => Gate(id).Release();

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 10_000;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 128 << 20;
            kestrel.Listen(IPAddress.Loopback, Port, listen => listen.Protocols = _protocols);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(Echo);
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = null;
            grpc.MaxSendMessageSize = null;
        });
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGrpcService<EchoService>();
        _app.UseEndpoints(_ => { });
        _app.Run(HandleAsync);
        await _app.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_app is not null)
        {
            using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            await _app.StopAsync(now.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _app.DisposeAsync();
            _app = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var gate in _gates.Values)
        {
            gate.Dispose();
        }
    }

    private SemaphoreSlim Gate(string id) => _gates.GetOrAdd(id, _ => new SemaphoreSlim(0));

    private Task HandleAsync(HttpContext context)
    {
        var id = context.Request.Query["id"].ToString();
        _calls.AddOrUpdate(id, 1, (_, count) => count + 1);
        var parts = context.Request.Path.Value!.Split('/', 3);
        return parts[1] switch
        {
            "echo" => EchoAsync(context),
            "status" => RespondAsync(context, int.Parse(parts[2], CultureInfo.InvariantCulture), $"status {parts[2]}"),
            "count" => CountAsync(context),
            "fail" => FailAsync(context),
            "slow" => SlowAsync(context, id),
            "piece" => PieceAsync(context, id),
            "events" => EventsAsync(context, id),
            "bytes" => BytesAsync(context),
            "redirect" => Redirect(context),
            _ => RespondAsync(context, 404, "no such route in the application"),
        };
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var seen = new SeenRequest(
            context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), body.ToArray());
        context.Response.Headers["x-from-app"] = "yes";
        await context.Response.WriteAsJsonAsync(seen);
    }

    private static async Task CountAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        await RespondAsync(context, 200, body.Length.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task FailAsync(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(Stream.Null);
        await RespondAsync(context, 500, "the application failed");
    }

    private async Task SlowAsync(HttpContext context, string id)
    {
        await context.Request.Body.CopyToAsync(Stream.Null);
        await Gate(id).WaitAsync(context.RequestAborted);
        await RespondAsync(context, 200, "slow but sure");
    }

    private async Task PieceAsync(HttpContext context, string id)
    {
        await context.Response.Body.WriteAsync(new byte[16 * 1024]);
        await context.Response.Body.FlushAsync();
        await Gate(id).WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync("rest");
    }

    private async Task EventsAsync(HttpContext context, string id)
    {
        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < 10; i++)
        {
            await context.Response.WriteAsync($"data: {i}\n\n");
            await context.Response.Body.FlushAsync();
            await Gate(id).WaitAsync(context.RequestAborted);
        }
    }

    private static async Task BytesAsync(HttpContext context)
    {
        var count = long.Parse(context.Request.Query["count"]!, CultureInfo.InvariantCulture);
        context.Response.StatusCode = int.Parse(context.Request.Query["status"]!, CultureInfo.InvariantCulture);
        var piece = new byte[64 * 1024];
        for (; count > 0; count -= piece.Length)
        {
            await context.Response.Body.WriteAsync(piece.AsMemory(0, (int)Math.Min(count, piece.Length)), context.RequestAborted);
        }
    }

    private static Task Redirect(HttpContext context)
    {
        context.Response.Redirect("/echo/after-redirect");
        return Task.CompletedTask;
    }

    private static Task RespondAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync(text);
    }
}

/// <summary>A request as the application saw it; header names in lower case.</summary>
internal sealed record SeenRequest(string Method, string RawTarget, Dictionary<string, string> Headers, byte[] Body);
