using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

public abstract partial class SidecarConformance
{
    [Fact]
    public async Task S16_Bodies_ArriveWhole()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        foreach (var content in (HttpContent?[])[null, new ByteArrayContent([]), JsonContent.Create(new { a = 1 }), new ByteArrayContent(new byte[8192])])
        {
            var expected = content is null ? [] : await content.ReadAsByteArrayAsync(Stop);
            var seen = await SendAsync(a, HttpMethod.Post, Invoke(b, "echo"), request => request.Content = content);
            Assert.Equal(expected, seen.Body);
        }
    }

    [Fact]
    public async Task S17_ChunkedRequest_ArrivesOnceAndWhole()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        var id = NewId();
        using var response = await a.Http.SendAsync(Chunked(a, Invoke(b, $"count?id={id}"), 1 << 20), Stop);
        Assert.Equal("1048576", await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal(1, app.Calls(id));
    }

    [Fact]
    public async Task S18_ChunkedRequest_IsNotRepeatedWhenTheApplicationFails()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        var id = NewId();
        using var response = await a.Http.SendAsync(Chunked(a, Invoke(b, $"fail?id={id}"), 64 << 10), Stop);
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("the application failed", await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal(1, app.Calls(id));
    }

    [Fact]
    public async Task S19_FirstPiece_ArrivesBeforeTheLast()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        var id = NewId();
        using var request = Request(a, HttpMethod.Get, Invoke(b, $"piece?id={id}"));
        using var response = await a.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop).WaitAsync(Limit, Stop);
        await using var body = await response.Content.ReadAsStreamAsync(Stop);
        await body.ReadExactlyAsync(new byte[16 * 1024], Stop).AsTask().WaitAsync(Limit, Stop);
        app.Open(id);
        using var rest = new StreamReader(body);
        Assert.Equal("rest", await rest.ReadToEndAsync(Stop));
    }

    [Theory]
    [InlineData(500, 1 << 20)]
    [InlineData(400, 100)]
    public async Task S20_ErrorBodies_AreComplete(int status, int count)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var response = await a.Http.GetAsync(Invoke(b, $"bytes?count={count}&status={status}"), Stop);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(count, (await response.Content.ReadAsByteArrayAsync(Stop)).Length);
    }

    [Fact]
    public async Task S21_LargeResponse_DoesNotFillTheSidecar()
    {
        OnlyInLongRuns();
        var (a, b, _, _) = await fixture.OpenAsync();
        const long Count = 256L << 20;
        var before = (A: a.ResidentBytes, B: b.ResidentBytes);
        using var request = Request(a, HttpMethod.Get, Invoke(b, $"bytes?count={Count}&status=200"));
        using var response = await a.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        await using var body = await response.Content.ReadAsStreamAsync(Stop);
        var buffer = new byte[64 << 10];
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer, Stop)) > 0;)
        {
            total += read;
        }

        Assert.Equal(Count, total);
        Assert.InRange(a.ResidentBytes - before.A, long.MinValue, 80 << 20);
        Assert.InRange(b.ResidentBytes - before.B, long.MinValue, 80 << 20);
    }

    [Fact]
    public async Task S22_Events_ArriveOneByOne()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        var id = NewId();
        using var request = Request(a, HttpMethod.Get, Invoke(b, $"events?id={id}"));
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var response = await a.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop).WaitAsync(Limit, Stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal($"data: {i.ToString(CultureInfo.InvariantCulture)}", await reader.ReadLineAsync(Stop).AsTask().WaitAsync(Limit, Stop));
            Assert.Equal("", await reader.ReadLineAsync(Stop).AsTask().WaitAsync(Limit, Stop));

            // Only now may the application send the next one.
            app.Open(id);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task S23_BodyOverTheLimit_IsRefused(bool chunked)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        const int MaxBody = 4 << 20;
        foreach (var (length, accepted) in ((int, bool)[])[(MaxBody, true), (MaxBody + 1, false), (2 * MaxBody, false)])
        {
            using var request = chunked ? Chunked(a, Invoke(b, "count"), length) : Request(a, HttpMethod.Post, Invoke(b, "count"));
            request.Content ??= new ByteArrayContent(new byte[length]);
            if (accepted)
            {
                using var response = await a.Http.SendAsync(request, Stop);
                Assert.Equal(length.ToString(CultureInfo.InvariantCulture), await response.Content.ReadAsStringAsync(Stop));
            }
            else
            {
                Assert.False(await SucceedsAsync(a, request));
            }
        }
    }

    /// <summary>A refusal may also show as a connection that is closed while the body is still being sent.</summary>
    private static async Task<bool> SucceedsAsync(SidecarProcess sidecar, HttpRequestMessage request)
    {
        try
        {
            using var response = await sidecar.Http.SendAsync(request, Stop);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static HttpRequestMessage Chunked(SidecarProcess sidecar, string target, int length)
    {
        var request = Request(sidecar, HttpMethod.Post, target);
        request.Content = new StreamContent(new MemoryStream(new byte[length]));
        request.Headers.TransferEncodingChunked = true;
        return request;
    }
}
