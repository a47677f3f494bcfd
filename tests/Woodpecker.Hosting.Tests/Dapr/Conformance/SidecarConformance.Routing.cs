using System.Net;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    public static TheoryData<string, string> FormsAndVerbs()
    {
        TheoryData<string, string> rows = [];
        foreach (var verb in (string[])["GET", "POST", "PUT", "PATCH", "DELETE"])
        {
            foreach (var form in (string[])["url", "header", "//v1.0/invoke/{0}/method/echo/a", "/v1.0//invoke/{0}/method/echo/a", "/v1.0/invoke//{0}/method/echo//a"])
            {
                rows.Add(verb, form);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(FormsAndVerbs))]
    public async Task S01_EveryForm_ReachesTheApplication(string verb, string form)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var path = form switch
        {
            "url" => Invoke(b, "echo/a"),
            "header" => "/echo/a",
            _ => string.Format(System.Globalization.CultureInfo.InvariantCulture, form, b.AppId),
        };

        var seen = await SendAsync(a, new HttpMethod(verb), path, request =>
        {
            if (form == "header")
            {
                request.Headers.Add("dapr-app-id", b.AppId);
            }
        });

        Assert.Equal(verb, seen.Method);
        Assert.Equal("/echo/a", seen.RawTarget);
        Assert.DoesNotContain("dapr-app-id", seen.Headers.Keys);
    }

    [Fact]
    public async Task S02_BodyAndCustomHeader_ArriveUnchanged()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var body = new byte[5000];
        Random.Shared.NextBytes(body);

        var seen = await SendAsync(a, HttpMethod.Post, Invoke(b, "echo"), request =>
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new("application/x-test");
            request.Headers.Add("x-custom", "some value");
        });

        Assert.Equal(body, seen.Body);
        Assert.Equal("application/x-test", seen.Headers["content-type"]);
        Assert.Equal("some value", seen.Headers["x-custom"]);
    }

    [Fact]
    public async Task S03_UnknownMethodAndMissingId_AreToldApart()
    {
        var (a, b, _, _) = await fixture.OpenAsync();

        using var unknown = await a.Http.GetAsync(Invoke(b, "nothing"), Stop);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal("no such route in the application", await unknown.Content.ReadAsStringAsync(Stop));

        using var noMethod = await a.Http.GetAsync($"/v1.0/invoke/{b.AppId}", Stop);
        await AssertErrorAsync(noMethod, 404, "failed getting app id");

        using var request = Request(a, HttpMethod.Get, "/");
        request.Headers.Add("dapr-app-id", b.AppId);
        using var root = await a.Http.SendAsync(request, Stop);
        Assert.Equal("no such route in the application", await root.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task S04_SegmentsQueryHeadAndBasicForm_Pass()
    {
        var (a, b, _, _) = await fixture.OpenAsync();

        var seen = await SendAsync(a, HttpMethod.Get, Invoke(b, "echo/one/two/three?k=1&k=2&empty=&x=%20y"));
        Assert.Equal("/echo/one/two/three?k=1&k=2&empty=&x=%20y", seen.RawTarget);

        using var head = Request(a, HttpMethod.Head, Invoke(b, "status/200"));
        using var headAnswer = await a.Http.SendAsync(head, Stop);
        Assert.Equal(HttpStatusCode.OK, headAnswer.StatusCode);

        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"dapr-app-id:{b.AppId}"));
        seen = await SendAsync(a, HttpMethod.Get, "/echo/basic", request => request.Headers.Authorization = new("Basic", basic));
        Assert.Equal("/echo/basic", seen.RawTarget);
    }

    [Theory]
    [InlineData("echo/a%22b", "/echo/a\"b")]
    [InlineData("echo/%2A", "/echo/*")]
    [InlineData("echo/%5C", "/echo/\\")]
    [InlineData("echo/admin%2F..%2Fpublic", "/echo/public")]
    public async Task S05_EncodedMethod_IsDecodedAndCleaned(string method, string expected)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var seen = await SendAsync(a, HttpMethod.Get, Invoke(b, method));
        Assert.Equal(expected, Uri.UnescapeDataString(seen.RawTarget));
    }

    [Fact]
    public async Task S05_DotSegmentsInTheHeaderForm_AreCleaned()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var seen = await SendAsync(a, HttpMethod.Get, "/echo/admin/../public", request => request.Headers.Add("dapr-app-id", b.AppId));
        Assert.Equal("/echo/public", seen.RawTarget);
    }

    [Theory]
    [InlineData("%23")]
    [InlineData("%3F")]
    [InlineData("%00")]
    [InlineData("%0D")]
    public async Task S06_ForbiddenCharacters_NeverReachTheApplication(string character)
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        var id = NewId();
        using var request = Request(a, HttpMethod.Get, Invoke(b, $"echo/x{character}y?id={id}"));
        using var response = await a.Http.SendAsync(request, Stop);

        if (character == "%00" && !fixture.Binary.IsReal)
        {
            // The web server of the embedded sidecar refuses this one by itself.
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
        else
        {
            await AssertErrorAsync(response, 500, $"failed to invoke, id: {b.AppId}");
        }

        Assert.Equal(0, app.Calls(id));
    }

    [Theory]
    [InlineData("http://localhost:{0}", "echo/direct", "/echo/direct")]
    [InlineData("http%3A%2F%2Flocalhost%3A{0}", "echo/direct", "/echo/direct")]
    [InlineData("http://localhost:{0}", "redirect", "/echo/after-redirect")]
    public async Task S07_AddressAsAppId_IsCalledDirectly(string address, string method, string expected)
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var plain = await TestApp.StartAsync(HttpProtocols.Http1);
        var id = string.Format(System.Globalization.CultureInfo.InvariantCulture, address, plain.Port);
        var seen = await SendAsync(a, HttpMethod.Get, $"/v1.0/invoke/{id}/method/{method}");
        Assert.Equal(expected, seen.RawTarget);
    }

    [Fact]
    public async Task S08_UnknownAppId_FailsWithItsName()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        using var response = await a.Http.GetAsync("/v1.0/invoke/nobody-here/method/echo", Stop).WaitAsync(Limit, Stop);
        await AssertErrorAsync(response, 500, "failed to invoke, id: nobody-here");
    }

    [Fact]
    public async Task S09_ParallelPosts_KeepTheirOwnBodies()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            var body = Encoding.UTF8.GetBytes($"body {i} {new string((char)('a' + (i % 26)), i * 50)}");
            var seen = await SendAsync(a, HttpMethod.Post, Invoke(b, "echo"), request => request.Content = new ByteArrayContent(body));
            Assert.Equal(body, seen.Body);
        }));
    }
}
