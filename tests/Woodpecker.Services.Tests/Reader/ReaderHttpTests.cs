using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Woodpecker.Protocol.Control;
using Woodpecker.Testing.Reading;

namespace Woodpecker.Services.Tests.Reader;

public sealed class ReaderHttpTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task APage_HasEntriesWithBase64Payloads_AndWhereToGoOn()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 7);

        var page = await GetPageAsync(host, "logs/demo/entries?from=2&limit=3");

        Assert.Equal([2UL, 3UL, 4UL], page.Entries.Select(static entry => entry.Offset));
        Assert.Equal("2", Encoding.ASCII.GetString(page.Entries[0].Payload!));
        Assert.Null(page.Entries[0].Text);
        Assert.Equal((5UL, 8UL), (page.Next, page.VisibleEnd));
    }

    [Fact] // 11.6, V2
    public async Task ADeclaredLoss_Is410_WithItsRange_AndIsShownInTheDescription()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 10, 9), 10, lostTo: 99);
        await host.Log.OpenAsync(1, 100, 3, 2);

        var before = await GetPageAsync(host, "logs/demo/entries");
        using var gone = await host.Http.GetAsync($"logs/demo/entries?from={before.Next}");
        var problem = await gone.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody);
        var after = await GetPageAsync(host, $"logs/demo/entries?from={problem!.Offset}");
        var log = await host.Http.GetFromJsonAsync("logs/demo", ControlJson.Default.LogDescription);

        Assert.Equal((10, 10UL), (before.Entries.Count, before.Next));
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        Assert.Equal(
            ("DataLoss", "DeclaredLoss", 10UL, 100UL),
            (problem.Kind, problem.Reason, problem.LostFrom, problem.Offset));
        Assert.Equal([100UL, 101UL, 102UL], after.Entries.Select(static entry => entry.Offset));
        Assert.Equal(new LostOffsets(10, 99), log!.Segments![0].Lost);
    }

    [Fact] // V1
    public async Task ThePageAtTheTail_IsEmpty_AndTellsTheVisibleEnd()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 7);

        var page = await GetPageAsync(host, "logs/demo/entries?from=8");

        Assert.Empty(page.Entries);
        Assert.Equal((8UL, 8UL), (page.Next, page.VisibleEnd));
    }

    [Fact]
    public async Task APage_CrossesSegments_AndShowsTextIfAskedTo()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 5, 4), 5);
        await host.Log.OpenAsync(1, 5, 5, 4);

        var page = await GetPageAsync(host, "logs/demo/entries?format=text");

        Assert.Equal(
            Enumerable.Range(0, 10).Select(static i => $"{i}"), page.Entries.Select(static entry => entry.Text));
    }

    [Fact] // V5
    public async Task ALongPoll_EndsWithTheEntryThatComes()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 4);
        var polling = GetPageAsync(host, "logs/demo/entries?from=5&wait=20s");

        foreach (var member in PaperLog.Ensemble)
            host.Log.Members.Confirm(new SegmentId(0), member.Node, 5);

        Assert.Equal(5UL, (await polling.WaitAsync(_limit)).Entries.Single().Offset);
    }

    [Fact]
    public async Task NdJson_HasOneDocumentPerLine()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 3, 2);
        using var response = await GetAsync(host, "logs/demo/entries?format=text", MediaTypes.NdJson);

        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(MediaTypes.NdJson, response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("3", response.Headers.GetValues(ControlHeaders.VisibleEnd).Single());
        var entries = lines.Select(static line => JsonSerializer.Deserialize(line, ControlJson.Default.EntryBody)!);
        Assert.Equal(["0", "1", "2"], entries.Select(static entry => entry.Text));
    }

    [Fact]
    public async Task Events_FollowTheTail_AndResumeBehindTheLastEventId()
    {
        await using var host = await ReaderHost.StartAsync(("Woodpecker:Reader:HeartbeatSeconds", "1"));
        await host.Log.OpenAsync(0, 0, 10, 4);
        using var request = new HttpRequestMessage(HttpMethod.Get, "logs/demo/entries?format=text");
        (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        request.Headers.Accept.ParseAdd(MediaTypes.Events);
        request.Headers.Add("Last-Event-ID", "2");
        using var response = await host.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(_limit);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        var first = await ReadIdsAsync(reader, 2);
        await UntilAsync(reader, ": at the tail");
        foreach (var member in PaperLog.Ensemble)
            host.Log.Members.Confirm(new SegmentId(0), member.Node, 6);
        var later = await ReadIdsAsync(reader, 2);

        Assert.Equal(["id: 3", "id: 4"], first);
        Assert.Equal(["id: 5", "id: 6"], later);
    }

    [Fact]
    public async Task OneEntry_IsItsRawBytes_WithOffsetAndTime()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 7);

        using var response = await host.Http.GetAsync("logs/demo/entries/6");

        Assert.Equal(MediaTypes.Octets, response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("6", await response.Content.ReadAsStringAsync());
        Assert.Equal("6", response.Headers.GetValues(ControlHeaders.Offset).Single());
        Assert.Equal("1006", response.Headers.GetValues(ControlHeaders.Timestamp).Single());
    }

    [Theory]
    [InlineData("logs/other/entries", 404, "UnknownLog")]
    [InlineData("logs/demo/entries/8", 404, "NotYet")]
    [InlineData("logs/demo/entries?from=1", 410, "Truncated")]
    [InlineData("logs/demo/entries/1", 410, "Truncated")]
    [InlineData("logs/demo/entries?from=-1", 400, "Invalid")]
    [InlineData("logs/demo/entries?from=9223372036854775808", 400, "Invalid")]
    [InlineData("logs/demo/entries?limit=0", 400, "Invalid")]
    [InlineData("logs/demo/entries?limit=100001", 400, "Invalid")]
    [InlineData("logs/demo/entries?maxBytes=16777217", 400, "Invalid")]
    [InlineData("logs/demo/entries?wait=61s", 400, "Invalid")]
    [InlineData("logs/demo/entries?wait=soon", 400, "Invalid")]
    [InlineData("logs/demo/entries?form=text", 400, "Invalid")]
    [InlineData("logs/demo/entries?from=1&from=2", 400, "Invalid")]
    [InlineData("logs/demo/entries/x", 400, "Invalid")]
    [InlineData("logs/Demo", 400, "Invalid")]
    public async Task AFailure_IsProblemDetails_WithAStableReason(string path, int status, string reason)
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 7);
        await host.Log.TruncateAsync(2);

        using var response = await host.Http.GetAsync(path);

        var problem = await ReadProblemAsync(response);
        Assert.Equal((status, reason), ((int)response.StatusCode, problem.Reason));
        if (reason == "Truncated")
            Assert.Equal(2UL, problem.Offset);
    }

    [Fact] // V2
    public async Task WithoutAnyMember_TheAnswerIs503_WithRetryAfter()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 10, 7);
        foreach (var member in PaperLog.Ensemble)
            host.Log.Members.SetDown(member.Node);

        using var response = await host.Http.GetAsync("logs/demo/entries");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.True((await ReadProblemAsync(response)).IsRetryable);
    }

    [Fact] // INV-32
    public async Task MoreReadersThanAllowed_AreToldToComeBack()
    {
        await using var host = await ReaderHost.StartAsync(("Woodpecker:Reader:MaxReaders", "1"));
        await host.Log.OpenAsync(0, 0, 10, 7);
        using var stop = new CancellationTokenSource();
        var polling = host.Http.GetAsync("logs/demo/entries?from=8&wait=30s", stop.Token);
        await WaitUntilAsync(() => host.ActiveReaders == 1);

        using var second = await host.Http.GetAsync("logs/demo/entries?from=0");
        var problem = await ReadProblemAsync(second);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => polling);
        await WaitUntilAsync(() => host.ActiveReaders == 0);
        using var third = await host.Http.GetAsync("logs/demo/entries?from=0");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "TooManyReaders"), (second.StatusCode, problem.Reason));
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Fact] // V7
    public async Task TheDescription_TellsTheVisibleEndOfTheOpenSegment()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.SealAsync(0, await host.Log.OpenAsync(0, 0, 5, 4), 5);
        await host.Log.OpenAsync(1, 5, 5, 2);

        var log = await host.Http.GetFromJsonAsync("logs/demo", ControlJson.Default.LogDescription);
        var list = await host.Http.GetFromJsonAsync("logs", ControlJson.Default.LogList);

        Assert.Equal((8UL, 2), (log!.NextOffset, log.Segments!.Count));
        Assert.Equal("demo", list!.Logs.Single().Name);
    }

    [Fact]
    public async Task TheOpenApiDocument_NamesEveryRoute()
    {
        await using var host = await ReaderHost.StartAsync();

        var document = await host.Http.GetStringAsync("openapi/v1.json");

        string[] routes = ["/logs\"", "/logs/{name}\"", "/logs/{name}/entries\"", "/logs/{name}/entries/{offset}\""];
        foreach (var route in routes)
            Assert.Contains(route, document, StringComparison.Ordinal);
    }

    private static async Task<EntryPage> GetPageAsync(ReaderHost host, string path) =>
        (await host.Http.GetFromJsonAsync(path, ControlJson.Default.EntryPage).WaitAsync(_limit))!;

    private static async Task<HttpResponseMessage> GetAsync(ReaderHost host, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Accept.ParseAdd(accept);
        return await host.Http.SendAsync(request).WaitAsync(_limit);
    }

    private static async Task<ProblemBody> ReadProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal(MediaTypes.Problem, response.Content.Headers.ContentType?.MediaType);
        return (await response.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody))!;
    }

    private static async Task<List<string>> ReadIdsAsync(StreamReader reader, int count)
    {
        var ids = new List<string>();
        while (ids.Count < count)
            ids.Add(await UntilAsync(reader, "id: "));
        return ids;
    }

    private static async Task<string> UntilAsync(StreamReader reader, string start)
    {
        while (true)
        {
            var line = await reader.ReadLineAsync().WaitAsync(_limit) ?? throw new EndOfStreamException();
            if (line.StartsWith(start, StringComparison.Ordinal))
                return line;
        }
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (!condition())
            await Task.Delay(10, limit.Token);
    }
}
