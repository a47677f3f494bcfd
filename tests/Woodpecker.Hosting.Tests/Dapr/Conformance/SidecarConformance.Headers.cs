using System.Net;
using Dapr.Client;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    [Fact]
    public async Task S10_HopByHopRequestHeaders_EndAtTheSidecar()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var seen = await SendAsync(a, HttpMethod.Post, Invoke(b, "echo"), request =>
        {
            request.Content = new StringContent("x");
            foreach (var (name, value) in HopByHop)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            request.Headers.TryAddWithoutValidation("x-named", "of this hop");
            request.Headers.TryAddWithoutValidation("Accept", "text/x-test");
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer of-the-user");
            request.Headers.TryAddWithoutValidation("X-Kept", "yes");
        });

        foreach (var (name, _) in HopByHop)
        {
            Assert.DoesNotContain(name.ToLowerInvariant(), seen.Headers.Keys);
        }

        Assert.DoesNotContain("x-named", seen.Headers.Keys);
        Assert.Equal("text/x-test", seen.Headers["accept"]);
        Assert.Equal("Bearer of-the-user", seen.Headers["authorization"]);
        Assert.Equal("yes", seen.Headers["x-kept"]);
    }

    [Fact]
    public async Task S10_HopByHopResponseHeaders_EndAtTheSidecar()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = new RawApp(
            """
            HTTP/1.1 200 OK
            Content-Length: 2
            Connection: close, X-Named
            X-Named: of this hop
            Keep-Alive: timeout=5
            Proxy-Connection: keep-alive
            Proxy-Authenticate: Basic
            Trailer: X-T
            Upgrade: foo
            X-Kept: yes

            ok
            """);
        await using var callee = await fixture.StartAsync(
            fixture.Settings(fixture.NewId("raw")) with { AppPort = app.Port, AppProtocol = "http" });

        using var response = await a.Http.GetAsync(Invoke(callee, "anything"), Stop);

        Assert.Equal("ok", await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal("yes", Assert.Single(response.Headers.GetValues("X-Kept")));
        foreach (var name in (string[])["X-Named", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Trailer", "Upgrade"])
        {
            Assert.False(response.Headers.Contains(name), name);
        }
    }

    private static (string Name, string Value)[] HopByHop =>
    [
        ("Connection", "x-named"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"), ("TE", "gzip"), ("Trailer", "x-t"),
        ("Upgrade", "foo"), ("HTTP2-Settings", "AAMAAABk"), ("Proxy-Authorization", "Basic eDp5"), ("Proxy-Authenticate", "Basic"),
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task S11_SpoofedIdentity_IsOverwritten(bool remote)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var target = remote ? b : a;
        var seen = await SendAsync(a, HttpMethod.Get, Invoke(target, "echo"), request =>
        {
            request.Headers.Add("dapr-caller-app-id", "mallory");
            request.Headers.Add("dapr-callee-app-id", "mallory");
            request.Headers.Add("dapr-caller-namespace", "mallory");
        });

        Assert.Equal(a.AppId, seen.Headers["dapr-caller-app-id"]);
        Assert.Equal(target.AppId, seen.Headers["dapr-callee-app-id"]);
        Assert.Equal("default", seen.Headers["dapr-caller-namespace"]);
    }

    [Fact]
    public async Task S12_ApplicationsSeeTheTokenOfTheirOwnSidecar()
    {
        var open = await fixture.OpenAsync();
        var guarded = await fixture.OpenGuardedAsync();

        Assert.Equal("app-b", await TokenAsync(open.Caller, guarded.Callee));
        Assert.Null(await TokenAsync(guarded.Caller, open.Callee));
        Assert.Equal("app-b", await TokenAsync(guarded.Caller, guarded.Callee));
        Assert.Null(await TokenAsync(open.Caller, open.Callee));
        Assert.Equal("app-a", await TokenAsync(guarded.Caller, guarded.Caller));

        static async Task<string?> TokenAsync(SidecarProcess from, SidecarProcess to)
        {
            var seen = await SendAsync(from, HttpMethod.Get, Invoke(to, "echo"), request => request.Headers.Add("dapr-api-token", "api-a"));
            return seen.Headers.GetValueOrDefault("dapr-api-token");
        }
    }

    [Fact]
    public async Task S13_ApiToken_IsDemandedOfAllButHealth()
    {
        var (a, b, _, _) = await fixture.OpenGuardedAsync();
        foreach (var (token, status) in ((string?, int)[])[(null, 401), ("wrong", 401), ("api-a", 200)])
        {
            using var request = Request(a, HttpMethod.Get, Invoke(b, "echo"));
            if (token is not null)
            {
                request.Headers.Add("dapr-api-token", token);
            }

            using var response = await a.Http.SendAsync(request, Stop);
            Assert.Equal(status, (int)response.StatusCode);
            if (status == 401)
            {
                Assert.Contains("invalid api token", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
            }
        }

        using var health = await a.Http.GetAsync("/v1.0/healthz", Stop);
        Assert.Equal(HttpStatusCode.NoContent, health.StatusCode);
    }

    [Fact]
    public async Task S14_SdkClientWithoutToken_IsServed()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var client = DaprClient.CreateInvokeHttpClient(b.AppId, $"http://127.0.0.1:{a.HttpPort}");
        using var response = await client.GetAsync("/echo/sdk", Stop);
        Assert.Equal("/echo/sdk", (await SeenAsync(response)).RawTarget);
    }

    [Fact]
    public async Task S15_TraceContext_IsCreatedOrContinued()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        const string Given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

        var seen = await SendUntracedAsync(a, Invoke(b, "echo"), []);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", seen.Headers["traceparent"]);

        seen = await SendUntracedAsync(a, Invoke(b, "echo"), new()
        {
            ["traceparent"] = Given,
            ["tracestate"] = "v=1",
            ["baggage"] = "key1=value1,key2=value2;property=1",
        });
        var parts = seen.Headers["traceparent"].Split('-');
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", parts[1]);
        Assert.NotEqual("b7ad6b7169203331", parts[2]);
        Assert.Equal("v=1", seen.Headers["tracestate"]);
        Assert.Contains("key1=value1", seen.Headers["baggage"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task S15_MalformedBaggage_IsRefused()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var request = Request(a, HttpMethod.Get, Invoke(b, "echo"));
        request.Headers.TryAddWithoutValidation("baggage", "no equals sign");
        using var response = await a.Http.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("invalid baggage header", (await response.Content.ReadAsStringAsync(Stop)).Trim('"'), StringComparison.Ordinal);
    }

    /// <summary>With a client that adds no trace context of its own.</summary>
    private static async Task<SeenRequest> SendUntracedAsync(SidecarProcess sidecar, string target, Dictionary<string, string> headers)
    {
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var client = new HttpClient(handler);
        using var request = Request(sidecar, HttpMethod.Get, target);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await client.SendAsync(request, Stop);
        return await SeenAsync(response);
    }
}
