using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Woodpecker.Hosting.Tests.Dapr;
using Woodpecker.ServiceDefaults;

namespace Woodpecker.Hosting.Tests.ServiceDefaults;

public sealed class ServiceDefaultsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task InternalPort_ServesHealthAndInfo_InEveryEnvironment(string environment)
    {
        await using var service = await TestService.StartAsync(new() { ["OTEL_SERVICE_NAME"] = "replica-9", ["WOODPECKER_RUN_ID"] = "run7" }, environment);
        using var client = new HttpClient { BaseAddress = service.Internal };

        var health = await client.GetFromJsonAsync<JsonElement>("/health", Stop);
        Assert.Equal("Healthy", health.GetProperty("status").GetString());
        Assert.Equal("Healthy", health.GetProperty("checks").GetProperty("self").GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/alive", Stop)).StatusCode);
        var info = await client.GetFromJsonAsync<JsonElement>("/info", Stop);
        Assert.Equal("replica-9", info.GetProperty("name").GetString());
        Assert.Equal("run7", info.GetProperty("runId").GetString());
    }

    [Fact]
    public async Task EachPort_ServesOnlyItsOwn_WhateverTheHostHeaderSays()
    {
        await using var service = await TestService.StartAsync();
        using var http2 = Http2(service.App);
        Assert.Equal("the route of the service", await http2.GetStringAsync("/logs", Stop));
        foreach (var path in (string[])["/health", "/alive", "/info"])
        {
            using var forged = new HttpRequestMessage(HttpMethod.Get, path)
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            forged.Headers.Host = service.Internal.Authority;
            Assert.Equal(HttpStatusCode.NotFound, (await http2.SendAsync(forged, Stop)).StatusCode);
        }

        using var http1 = new HttpClient { BaseAddress = service.Internal };
        using var route = new HttpRequestMessage(HttpMethod.Get, "/logs");
        route.Headers.Host = service.App.Authority;
        Assert.Equal(HttpStatusCode.NotFound, (await http1.SendAsync(route, Stop)).StatusCode);
    }

    [Fact]
    public async Task S44_AppPort_DemandsTheAppToken()
    {
        await using var service = await TestService.StartAsync(new() { ["APP_API_TOKEN"] = "secret" });
        using var http2 = Http2(service.App);
        using var channel = Channel(service);
        var client = new Echo.EchoClient(channel);
        foreach (var (token, accepted) in ((string?, bool)[])[(null, false), ("", false), ("secre", false), ("secrets", false), ("secret", true)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/logs")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            var metadata = new Grpc.Core.Metadata();
            if (token is not null)
            {
                request.Headers.Add("dapr-api-token", token);
                metadata.Add("dapr-api-token", token);
            }

            Assert.Equal(accepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, (await http2.SendAsync(request, Stop)).StatusCode);
            var call = async () => await client.UnaryAsync(new Note(), metadata, cancellationToken: Stop);
            if (accepted)
            {
                await call();
            }
            else
            {
                Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
            }
        }

        using var health = new HttpClient { BaseAddress = service.Internal };
        Assert.Equal(HttpStatusCode.OK, (await health.GetAsync("/health", Stop)).StatusCode);
    }

    [Fact]
    public async Task OneConnection_CarriesMoreStreamsThanTheServersDefault()
    {
        await using var service = await TestService.StartAsync();
        using var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false };
        using var channel = GrpcChannel.ForAddress(service.App, new GrpcChannelOptions { HttpHandler = handler });
        var client = new Echo.EchoClient(channel);
        var chats = Enumerable.Range(0, 200).Select(_ => client.Chat(cancellationToken: Stop)).ToArray();
        await Task.WhenAll(chats.Select(async chat =>
        {
            await chat.RequestStream.WriteAsync(new Note { Number = 1 }, Stop);
            Assert.True(await chat.ResponseStream.MoveNext(Stop));
        })).WaitAsync(TimeSpan.FromSeconds(20), Stop);
        foreach (var chat in chats)
        {
            chat.Dispose();
        }
    }

    [Fact]
    public async Task StreamsThatAreNotRead_DoNotBlockOtherCallsOfTheConnection()
    {
        await using var service = await TestService.StartAsync();
        using var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false };
        using var channel = GrpcChannel.ForAddress(service.App, new GrpcChannelOptions { HttpHandler = handler });
        var client = new Echo.EchoClient(channel);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var piece = new Note { Data = ByteString.CopyFrom(new byte[64 << 10]) };
        long written = 0;
        var uploads = Enumerable.Range(0, 30).Select(async _ =>
        {
            using var chat = client.Chat(cancellationToken: end.Token);
            await chat.RequestStream.WriteAsync(new Note { Text = "stall" }, end.Token);
            while (true)
            {
                await chat.RequestStream.WriteAsync(piece, end.Token);
                Interlocked.Increment(ref written);
            }
        }).ToArray();
        var before = -1L;
        await Eventually.TrueAsync(
            async () =>
            {
                await Task.Delay(500, Stop);
                return Interlocked.Exchange(ref before, Interlocked.Read(ref written)) == Interlocked.Read(ref written) && before > 0;
            },
            TimeSpan.FromSeconds(20), () => "the uploads never stall");

        await client.UnaryAsync(new Note(), deadline: DateTime.UtcNow + TimeSpan.FromSeconds(10), cancellationToken: Stop);
        await end.CancelAsync();
        foreach (var upload in uploads)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => upload);
        }
    }

    [Fact]
    public async Task MessageOfTheLimit_Passes_AndOneByteMoreIsRefused()
    {
        const int Limit = 128 * 1024;
        await using var service = await TestService.StartAsync(new() { ["Woodpecker:MaxMessageBytes"] = "131072" });
        using var channel = Channel(service);
        var client = new Echo.EchoClient(channel);

        await client.UnaryAsync(Sized(Limit), cancellationToken: Stop);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(Sized(Limit + 1), cancellationToken: Stop));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task PausedReader_IsNotDropped()
    {
        await using var service = await TestService.StartAsync();
        using var channel = Channel(service);
        var request = new Note { Text = "paused", Number = 200, Data = ByteString.CopyFrom(new byte[256 << 10]) };
        using var repeat = new Echo.EchoClient(channel).Repeat(request, cancellationToken: Stop);
        Assert.True(await repeat.ResponseStream.MoveNext(Stop));

        // Longer than the 5 s after which a server with default limits gives up on a slow reader.
        await Task.Delay(TimeSpan.FromSeconds(7), Stop);
        Assert.InRange(service.Echo.SentBy("paused"), 1, 199);
        var received = 1;
        while (await repeat.ResponseStream.MoveNext(Stop))
        {
            Assert.Equal(received++, repeat.ResponseStream.Current.Number);
        }

        Assert.Equal(200, received);
    }

    [Fact]
    public async Task Readiness_WaitsForTheSidecar_AndLivenessDoesNot()
    {
        var port = FreePort.Next();
        await using var service = await TestService.StartAsync(new() { ["DAPR_HTTP_ENDPOINT"] = $"http://127.0.0.1:{port}" });
        using var client = new HttpClient { BaseAddress = service.Internal };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health", Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/alive", Stop)).StatusCode);

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        await using var sidecar = builder.Build();
        sidecar.Run(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/v1.0/healthz/outbound" ? 204 : 500;
            return Task.CompletedTask;
        });
        await sidecar.StartAsync(Stop);
        await Eventually.TrueAsync(
            async () => (await client.GetAsync("/health", Stop)).IsSuccessStatusCode, TimeSpan.FromSeconds(10), () => "never ready");
    }

    [Fact]
    public async Task DirectTransport_WaitsForNoSidecar()
    {
        await using var service = await TestService.StartAsync(new()
        {
            ["DAPR_HTTP_ENDPOINT"] = $"http://127.0.0.1:{FreePort.Next()}",
            ["Woodpecker:Transport"] = "Direct",
        });
        using var client = new HttpClient { BaseAddress = service.Internal };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health", Stop)).StatusCode);
    }

    [Theory]
    [InlineData("Woodpecker:Endpoints:AppPort", null)]
    [InlineData("Woodpecker:Endpoints:InternalPort", "")]
    [InlineData("Woodpecker:Endpoints:AppPort", "70000")]
    [InlineData("Woodpecker:Endpoints:Address", "somewhere")]
    [InlineData("Woodpecker:MaxMessageBytes", "12")]
    [InlineData("Woodpecker:Transport", "Pigeon")]
    [InlineData("DAPR_HTTP_ENDPOINT", "not an address")]
    public void UnusableSetting_EndsTheStart_NamingItsKey(string key, string? value)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "1001",
            ["Woodpecker:Endpoints:InternalPort"] = "1002",
            [key] = value,
        });
        var error = Assert.Throws<ServiceConfigurationException>(() => builder.AddServiceDefaults());
        Assert.StartsWith(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnePortForBothListeners_IsRefused()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Woodpecker:Endpoints:AppPort"] = "1001",
            ["Woodpecker:Endpoints:InternalPort"] = "1001",
        });
        Assert.Throws<ServiceConfigurationException>(() => builder.AddServiceDefaults());
    }

    private static Note Sized(int size)
    {
        var note = new Note { Data = ByteString.CopyFrom(new byte[size - 10]) };
        note.Data = ByteString.CopyFrom(new byte[size - 10 + (size - note.CalculateSize())]);
        Assert.Equal(size, note.CalculateSize());
        return note;
    }

    private static GrpcChannel Channel(TestService service) => GrpcChannel.ForAddress(service.App, new GrpcChannelOptions
    {
        MaxReceiveMessageSize = null,
        MaxSendMessageSize = null,
    });

    private static HttpClient Http2(Uri address) => new()
    {
        BaseAddress = address,
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
