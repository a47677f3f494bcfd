using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Woodpecker.Client;
using Woodpecker.Protocol.Control;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Real files through Dapr service invocation and back, in both modes; one application for all cases.</summary>
public sealed class AppendReadTests(AppFixture fixture) : SystemTest(fixture), IClassFixture<AppFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(LogMode.QuorumBuffer)]
    [InlineData(LogMode.MemoryBuffer)]
    public async Task TextFile_ByDaprInvocation_ComesBackIdentical(LogMode mode)
    {
        var log = $"text-{mode}".ToLowerInvariant();
        var writer = System.Invoke("writer-1");
        var reader = System.Invoke("reader");
        var created = await writer.PutAsJsonAsync($"logs/{log}", new { mode = mode.ToString() }, Token);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var again = await writer.PutAsJsonAsync($"logs/{log}", new { mode = mode.ToString() }, Token);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);

        var lines = await File.ReadAllLinesAsync(RealFiles.Text, Token);
        ulong expected = 0;
        foreach (var batch in lines.Chunk(100))
        {
            var body = string.Join('\n', batch.Select(static line => JsonSerializer.Serialize(new { text = line })));
            using var request = new HttpRequestMessage(HttpMethod.Post, $"logs/{log}/entries")
            {
                Content = new StringContent(body, Encoding.UTF8, MediaTypes.NdJson),
            };
            // A sidecar may repeat a request of known length; the expected offset makes the repetition harmless.
            request.Headers.Add(ControlHeaders.ExpectedOffset, $"{expected}");
            using var response = await writer.SendAsync(request, Token);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
            var answer = await response.Content.ReadFromJsonAsync(ControlJson.Default.AppendAnswer, Token);
            Assert.Equal(expected, answer!.FirstOffset);
            Assert.Equal(mode == LogMode.MemoryBuffer ? nameof(Durability.Object) : nameof(Durability.Disk2), answer.Durability);
            expected = answer.LastOffset + 1;
        }

        Assert.Equal((ulong)lines.Length, expected);
        Assert.Equal(lines, await ReadLinesAsync(reader, log, expected));
    }

    [Theory]
    [InlineData(LogMode.QuorumBuffer, 64 * 1024)]
    [InlineData(LogMode.QuorumBuffer, 1024 * 1024)]
    [InlineData(LogMode.MemoryBuffer, 256 * 1024)]
    public async Task BinaryFile_ByGrpcThroughSidecars_ComesBackIdentical(LogMode mode, int chunk)
    {
        var log = $"binary-{mode}-{chunk}".ToLowerInvariant();
        await using var client = System.OpenClient();
        await client.CreateLogAsync(log, new LogOptions { Mode = mode }, Token);
        var content = await File.ReadAllBytesAsync(RealFiles.Binary, Token);
        await using (var writer = client.OpenWriter(log))
        {
            foreach (var piece in RealFiles.Chunks(content, chunk))
                await writer.EnqueueAsync(new NewEntry(piece), Token);
            await writer.FlushAsync(Token);
        }

        var pieces = (ulong)((content.Length + chunk - 1) / chunk);
        var (sha, count) = await LogContent.DigestAsync(client, log, pieces, Token);
        Assert.Equal(RealFiles.Sha256(content), sha);
        Assert.Equal(pieces, count);
    }

    [Fact]
    public async Task RawEntry_HasItsBytesAndItsPlace()
    {
        var writer = System.Invoke("writer-1");
        var reader = System.Invoke("reader");
        await writer.PutAsync("logs/raw", null, Token);
        var payload = new byte[300_000];
        Random.Shared.NextBytes(payload);
        using var content = new ByteArrayContent(payload);
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.Octets);
        using var appended = await writer.PostAsync("logs/raw/entries", content, Token);
        Assert.True(appended.IsSuccessStatusCode, await appended.Content.ReadAsStringAsync(Token));

        Assert.Equal(payload, await System.ReadAsync("raw", 0));
        using var response = await reader.GetAsync("logs/raw/entries/0", Token);
        Assert.Equal(payload, await response.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("0", response.Headers.GetValues(ControlHeaders.Offset).Single());
    }

    [Fact]
    public async Task Follower_SeesEntriesAsTheyAreConfirmed()
    {
        await using var client = System.OpenClient();
        await client.CreateLogAsync("tail", cancellationToken: Token);
        var seen = new List<string>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var following = Task.Run(
            async () =>
            {
                await foreach (var entry in client.ReadAsync("tail", new ReadOptions { Follow = true }, limit.Token))
                {
                    seen.Add(Encoding.UTF8.GetString(entry.Payload.Span));
                    if (seen.Count == 20)
                        return;
                }
            },
            limit.Token);
        for (var i = 0; i < 20; i++)
            await client.AppendAsync("tail", Encoding.UTF8.GetBytes($"entry {i}"), Token).EnsureOkAsync();
        await following;
        Assert.Equal(Enumerable.Range(0, 20).Select(static i => $"entry {i}"), seen);
    }

    [Fact]
    public async Task ConditionalAppend_PassesOnlyAtTheExpectedOffset()
    {
        await using var client = System.OpenClient();
        await client.CreateLogAsync("conditional", cancellationToken: Token);
        NewEntry[] one = [new("x"u8.ToArray())];
        await client.AppendAsync("conditional", one, new AppendOptions { ExpectedOffset = Offset.Zero }, Token).EnsureOkAsync();
        var wrong = await client.AppendAsync("conditional", one, new AppendOptions { ExpectedOffset = Offset.Zero }, Token);
        Assert.Equal(AppendOutcome.NotAppended, wrong.Outcome);
        Assert.Equal(ErrorKind.Mismatch, wrong.Error!.Kind);
        Assert.Equal(new Offset(1), wrong.Error.Offset); // P4
    }

    [Theory]
    [InlineData("PUT", "logs/Bad_Name!", 400)]
    [InlineData("GET", "logs/no-such-log", 404)]
    [InlineData("GET", "logs/no-such-log/entries?from=0", 404)]
    [InlineData("POST", "logs/no-such-log/entries", 404)]
    [InlineData("POST", "logs/Bad_Name!/entries", 400)]
    [InlineData("DELETE", "logs/no-such-log", 404)]
    public async Task BadRequests_AreProblemsThatSayWhatIsWrong(string method, string path, int status)
    {
        var invoker = System.Invoke(path.Contains("entries?", StringComparison.Ordinal) ? "reader" : "writer-1");
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = method == "POST" ? new ByteArrayContent([1]) : null,
        };
        using var response = await invoker.SendAsync(request, Token);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(MediaTypes.Problem, response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody, Token);
        Assert.False(string.IsNullOrEmpty(problem!.Detail));
    }

    [Fact]
    public async Task TruncatedOffsets_AreGone_AndDeletedLogsTakeNothing()
    {
        await using var client = System.OpenClient();
        await client.CreateLogAsync("short-lived", cancellationToken: Token);
        for (var i = 0; i < 5; i++)
            await client.AppendAsync("short-lived", new byte[] { (byte)i }, Token).EnsureOkAsync();
        Assert.Equal(new Offset(3), await client.TruncateAsync("short-lived", new Offset(3), Token));

        var reader = System.Invoke("reader");
        using var gone = await reader.GetAsync("logs/short-lived/entries?from=0", Token);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode); // D1
        var problem = await gone.Content.ReadFromJsonAsync(ControlJson.Default.ProblemBody, Token);
        Assert.Equal(3UL, problem!.Offset);

        await client.DeleteLogAsync("short-lived", Token);
        var late = await client.AppendAsync("short-lived", new byte[] { 9 }, Token);
        Assert.NotEqual(AppendOutcome.Ok, late.Outcome); // INV-40
        var created = await client.CreateLogAsync("short-lived", cancellationToken: Token);
        Assert.Equal(0UL, created.Description.NextOffset ?? 0); // D5
    }

    [Fact]
    public async Task OpenApiDocuments_AreServedThroughDapr()
    {
        foreach (var service in new[] { "writer-1", "reader" })
        {
            var invoker = System.Invoke(service);
            var document = await invoker.GetFromJsonAsync<JsonElement>("openapi/v1.json", Token);
            Assert.True(document.GetProperty("paths").EnumerateObject().Any(), service);
        }
    }

    private static async Task<List<string>> ReadLinesAsync(HttpClient reader, string log, ulong end)
    {
        var lines = new List<string>();
        while ((ulong)lines.Count < end)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"logs/{log}/entries?from={lines.Count}&limit=150&wait=5s&format=text");
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaTypes.NdJson));
            using var response = await reader.SendAsync(request, Token);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
            var text = await response.Content.ReadAsStringAsync(Token);
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var entry = JsonSerializer.Deserialize(line, ControlJson.Default.EntryBody)!;
                Assert.Equal((ulong)lines.Count, entry.Offset);
                lines.Add(entry.Text ?? Encoding.UTF8.GetString(entry.Payload!));
            }
        }

        return lines;
    }
}
