using System.Diagnostics;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Hosting.Tests.ServiceDefaults;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Hosting.Tests.Dapr.Transport;

/// <summary>The way to a peer, straight and through a sidecar.</summary>
public sealed class PeerChannelsTests(EmbeddedSidecarFixture fixture) : IClassFixture<EmbeddedSidecarFixture>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Direct_ReachesAPeerWithItsToken()
    {
        await using var service = await TestService.StartAsync(new() { ["APP_API_TOKEN"] = "secret" });
        using var channels = Direct(("replica-1", service.App), token: "secret");

        var reply = await new Echo.EchoClient(channels.GetInvoker("replica-1")).UnaryAsync(new Note { Text = "hi" }, cancellationToken: Stop);
        Assert.Equal("hi", reply.Text);
        Assert.Equal("the route of the service", await channels.GetControlClient("replica-1").GetStringAsync("logs", Stop));

        using var without = Direct(("replica-1", service.App), token: null);
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await new Echo.EchoClient(without.GetInvoker("replica-1")).UnaryAsync(new Note(), cancellationToken: Stop));
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
    }

    [Fact]
    public async Task Dapr_ReachesAPeerThroughTwoSidecars()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var channels = ThroughDapr(a);

        var client = new Echo.EchoClient(channels.GetInvoker(b.AppId));
        var metadata = new Grpc.Core.Metadata { { "x-own", "kept" } };
        var reply = await client.UnaryAsync(new Note { Text = "hi" }, metadata, cancellationToken: Stop);
        Assert.Equal(a.AppId, reply.Seen["dapr-caller-app-id"]);
        Assert.Equal("kept", reply.Seen["x-own"]);
        Assert.Equal("true", reply.Seen["dapr-stream"]);
        using var chat = client.Chat(cancellationToken: Stop);
        await chat.RequestStream.WriteAsync(new Note { Number = 3 }, Stop);
        Assert.True(await chat.ResponseStream.MoveNext(Stop));
        Assert.Equal(3, chat.ResponseStream.Current.Number);

        Assert.Equal("status 200", await channels.GetControlClient(b.AppId).GetStringAsync("status/200", Stop));
    }

    [Fact]
    public async Task Dapr_PresentsTheApiToken()
    {
        var (a, b, _, _) = await fixture.OpenGuardedAsync();
        using var channels = ThroughDapr(a, ("DAPR_API_TOKEN", "api-a"));
        var reply = await new Echo.EchoClient(channels.GetInvoker(b.AppId)).UnaryAsync(new Note(), cancellationToken: Stop);
        Assert.Equal("app-b", reply.Seen["dapr-api-token"]);
        Assert.Equal("status 200", await channels.GetControlClient(b.AppId).GetStringAsync("status/200", Stop));
    }

    [Fact]
    public async Task CallToAnAbsentPeer_FailsAtOnce_AndTheNextOneAfterItsStartSucceeds()
    {
        await using var app = TestApp.Create();
        using var channels = Direct(("replica-1", new Uri($"http://127.0.0.1:{app.Port}")), token: null);
        var client = new Echo.EchoClient(channels.GetInvoker("replica-1"));
        for (var i = 0; i < 5; i++)
        {
            var clock = Stopwatch.StartNew();
            var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(new Note(), cancellationToken: Stop));
            Assert.Equal(StatusCode.Unavailable, error.StatusCode);
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2.5));
        }

        // A channel that backs off would refuse for a while longer.
        await app.StartAsync();
        await client.UnaryAsync(new Note(), cancellationToken: Stop);
        await app.StopAsync();
        await app.StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await client.UnaryAsync(new Note(), cancellationToken: Stop);
                    return true;
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(2), () => "the broken connection stays in use");
    }

    [Fact]
    public async Task UnavailableAnswers_AreNotRepeated()
    {
        await using var service = await TestService.StartAsync();
        using var channels = Direct(("replica-1", service.App), token: null);

        using var answer = await channels.GetControlClient("replica-1").PostAsync("broken", null, Stop);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        using var broken = await channels.GetControlClient("replica-1").GetAsync("broken", Stop);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, broken.StatusCode);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channels.GetInvoker("replica-1"))
            .UnaryAsync(new Note { Text = "unavailable" }, cancellationToken: Stop));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal(3, service.Calls);
    }

    [Fact]
    public async Task MessagesUpToTheLimit_PassBothWays()
    {
        const int Size = 6 << 20;
        await using var service = await TestService.StartAsync(new() { ["Woodpecker:MaxMessageBytes"] = "8388608" });
        using var channels = Direct(("replica-1", service.App), token: null, maxMessageBytes: "8388608");
        var reply = await new Echo.EchoClient(channels.GetInvoker("replica-1")).UnaryAsync(
            new Note { Text = "large", Number = Size, Data = ByteString.CopyFrom(new byte[1000]) }, cancellationToken: Stop);
        Assert.Equal(Size, reply.Data.Length);
    }

    [Theory]
    [InlineData("Replica-1")]
    [InlineData("a/b")]
    [InlineData("")]
    public void UnusableAppId_IsRefused(string id)
    {
        using var channels = Direct(("replica-1", new Uri("http://127.0.0.1:1")), token: null);
        Assert.ThrowsAny<ArgumentException>(() => channels.GetInvoker(id));
        Assert.ThrowsAny<ArgumentException>(() => channels.GetControlClient(id));
    }

    [Theory]
    [InlineData("DAPR_GRPC_ENDPOINT", "DAPR_HTTP_ENDPOINT", "http://127.0.0.1:1")]
    [InlineData("DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT", "http://127.0.0.1:1")]
    [InlineData("DAPR_GRPC_ENDPOINT", "DAPR_GRPC_ENDPOINT", "nowhere")]
    [InlineData("DAPR_GRPC_PORT", "DAPR_GRPC_PORT", "x")]
    [InlineData("Woodpecker:Transport", "Woodpecker:Transport", "Pigeon")]
    [InlineData("Woodpecker:MaxMessageBytes", "Woodpecker:MaxMessageBytes", "-1")]
    public void UnusableSetting_IsNamed(string named, string key, string value)
    {
        var error = Assert.Throws<TransportConfigurationException>(
            () => new PeerChannels(TransportOptions.FromConfiguration(asked => asked == key ? value : null)).Dispose());
        Assert.StartsWith(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownPeer_IsNamedWithItsKey()
    {
        using var channels = Direct(("replica-1", new Uri("http://127.0.0.1:1")), token: null);
        var error = Assert.Throws<TransportConfigurationException>(() => channels.GetInvoker("replica-2"));
        Assert.Contains("services:replica-2:app:0", error.Message, StringComparison.Ordinal);
    }

    private static PeerChannels Direct((string Id, Uri Address) peer, string? token, string? maxMessageBytes = null) =>
        new(TransportOptions.FromConfiguration(key => key switch
        {
            "Woodpecker:Transport" => "Direct",
            "APP_API_TOKEN" => token,
            "Woodpecker:MaxMessageBytes" => maxMessageBytes,
            _ => key == $"services:{peer.Id}:app:0" ? peer.Address.ToString() : null,
        }));

    private static PeerChannels ThroughDapr(SidecarProcess sidecar, params (string Key, string Value)[] more) =>
        new(TransportOptions.FromConfiguration(key => key switch
        {
            "DAPR_HTTP_ENDPOINT" => $"http://127.0.0.1:{sidecar.HttpPort}",
            "DAPR_GRPC_ENDPOINT" => $"http://127.0.0.1:{sidecar.GrpcPort}",
            _ => more.FirstOrDefault(pair => pair.Key == key).Value,
        }));
}
