using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Services.Tests.Reader;
using ReaderClient = Woodpecker.Protocol.V1.Reader.ReaderClient;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>One running reader over a log with offsets 2 to 9, of which 8 is the visible end.</summary>
public sealed class RunningReader : IAsyncLifetime
{
    internal ReaderHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await ReaderHost.StartAsync(("Woodpecker:Reader:HeartbeatSeconds", "1"));
        await Host.Log.OpenAsync(0, 0, 10, 7);
        await Host.Log.TruncateAsync(2);
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}

/// <summary>Names, numbers and abuse of connections as a reader meets them over HTTP and gRPC.</summary>
public sealed class ReaderRequestTests(RunningReader running) : IClassFixture<RunningReader>
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task NumbersInQueriesAndPaths_AreRefused_WithTheirNameAndBounds()
    {
        var texts = Bad.Offsets.Append("5\0").Select(static text => Uri.EscapeDataString(text)).ToList();
        BadRequest[] cases =
        [
            .. texts.Select(static text => new BadRequest("GET", "/logs/demo/entries?from=" + text, "it must be a number from 0 to 9223372036854775807")),
            .. texts.Append("0").Append("100001").Append("2147483648").Select(static text => new BadRequest("GET", "/logs/demo/entries?limit=" + text, "'limit' is '")),
            .. texts.Append("0").Append("16777217").Select(static text => new BadRequest("GET", "/logs/demo/entries?maxBytes=" + text, "'maxBytes' is '")),
            .. texts.Append("5S").Append("61s").Append("60001").Append("2147483648").Append("1d")
                .Select(static text => new BadRequest("GET", "/logs/demo/entries?wait=" + text, "'wait' is '")),
            .. texts.Append("0").Append("1001").Select(static text => new BadRequest("GET", "/logs?limit=" + text, "limit is '")),
            .. texts.Where(static text => text.Length > 0 && text != "5%00")
                .Select(static text => new BadRequest("GET", "/logs/demo/entries/" + text, "is not an offset")),
            .. texts.Where(static text => text.Length > 0 && text != "5%00" && !text.Contains('%', StringComparison.Ordinal))
                .Select(static text => new BadRequest("GET", "/logs/demo/entries", "is not an offset")
                { Headers = [("Accept", MediaTypes.Events), ("Last-Event-ID", text)] }),
            new("GET", "/logs/demo/entries", "is not an offset") { Headers = [("Accept", MediaTypes.Events), ("Last-Event-ID", "9223372036854775807")] },
            new("GET", "/logs/demo/entries?from=1&from=2", "given 2 times"),
            new("GET", "/logs/demo/entries?FROM=2", "'FROM' is not a parameter"),
            new("GET", "/logs/demo/entries?dapr-api-token=secret", "'dapr-api-token' is not a parameter"),
            new("GET", "/logs/demo/entries?format=xml", "'format' is 'xml'"),
            new("GET", "/logs/demo?linearizable=true", "from a writer"),
            new("GET", "/logs/demo/entries", "Accept names none") { Headers = [("Accept", "image/png")] },
            // The places that are none: below the truncation point, at the end, and the largest.
            new("GET", "/logs/demo/entries?from=1", "first available offset is 2") { Status = 410 },
            new("GET", "/logs/demo/entries/8", "visible end is 8") { Status = 404 },
            new("GET", "/logs/demo/entries/9223372036854775807", "visible end is 8") { Status = 404 },
            new("GET", "/logs/other/entries", "no log 'other'") { Status = 404 },
            .. Bad.Names.Where(static n => n.Name.Length < 1_000 && !n.Name.Contains('\0', StringComparison.Ordinal)
                    && !n.Name.Contains('.', StringComparison.Ordinal) && n.Name != "%2e%2e%2f")
                .Select(static n => new BadRequest("GET", $"/logs/{Uri.EscapeDataString(n.Name)}/entries", n.Why)),
            new("POST", "/logs/demo/entries", "There is no POST") { Status = 404, Body = "{}" },
        ];
        var failures = new List<string>();
        foreach (var request in cases)
        {
            if (await request.TryAsync(running.Host.Http) is { } failure)
                failures.Add(failure);
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        await ReadOneAsync();
    }

    [Theory]
    [InlineData("9223372036854775807", 0)]
    [InlineData("8", 0)]
    [InlineData("007", 1)]
    public async Task AnOffsetAtOrBehindTheEnd_IsAnEmptyPage_NotAFailure(string from, int entries)
    {
        using var answer = await running.Host.Http.GetAsync($"logs/demo/entries?from={from}");
        var page = System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ControlJson.Default.EntryPage)!;
        Assert.Equal(entries, page.Entries.Count);
        Assert.Equal(8UL, page.VisibleEnd);
    }

    [Fact]
    public async Task WrongCalls_EndTyped_AndTheNextOneIsServed()
    {
        using var channel = GrpcChannel.ForAddress(running.Host.Address);
        var client = new ReaderClient(channel);
        (ReadRequest Request, ErrorKind Kind, string Names)[] cases =
        [
            .. Bad.Names.Select(static n => (new ReadRequest { Log = n.Name }, ErrorKind.Invalid, n.Why)),
            (new(), ErrorKind.Invalid, "must not be empty"),
            (new() { Log = "other" }, ErrorKind.NotFound, "no log 'other'"),
            (new() { Log = "demo", From = 1UL << 63 }, ErrorKind.Invalid, "from is 9223372036854775808"),
            (new() { Log = "demo", From = ulong.MaxValue }, ErrorKind.Invalid, "from is 18446744073709551615"),
            (new() { Log = "demo", From = 1 }, ErrorKind.Truncated, "first available offset is 2"),
        ];
        var failures = new List<string>();
        foreach (var (request, kind, names) in cases)
        {
            using var call = client.Read(request);
            var error = await EndAsync(call);
            if (error?.Kind != kind || !error.Message.Contains(names, StringComparison.Ordinal))
                failures.Add($"{names}: {error?.Kind} {error?.Message}");
            using var verification = client.Verify(new VerifyRequest { Log = request.Log });
            if (kind == ErrorKind.Invalid && request.Log != "demo")
                Assert.Equal(kind, (await VerifyAsync(verification))!.Kind);
        }

        Assert.Empty(failures);
        // The largest numbers are legal, and mean an end without entries.
        using var far = client.Read(new ReadRequest { Log = "demo", From = (1UL << 63) - 1, MaxEntries = ulong.MaxValue, MaxBatchBytes = uint.MaxValue });
        Assert.Null(await EndAsync(far));
        using var tiny = client.Read(new ReadRequest { Log = "demo", From = 2, MaxBatchBytes = 1 });
        Assert.Null(await EndAsync(tiny));
        await ReadOneAsync();
    }

    [Fact] // INV-32
    public async Task ThousandsOfLongPolls_AreServedUpToTheLimit_AndRefusedTypedBeyond_AndNothingIsLeftOfThem()
    {
        await using var host = await ReaderHost.StartAsync(("Woodpecker:Reader:MaxReaders", "200"));
        await host.Log.OpenAsync(0, 0, 10, 7);
        using var stop = new CancellationTokenSource();
        var polls = Enumerable.Range(0, 1_000).Select(_ => PollAsync(host, stop.Token)).ToList();
        await UntilAsync(() => polls.Count(static poll => poll.IsCompleted) == 800);
        foreach (var refused in polls.Where(static poll => poll.IsCompleted).ToList())
            Assert.Equal("TooManyReaders", await refused);
        await stop.CancelAsync();
        Assert.Equal(200, (await Task.WhenAll(polls).WaitAsync(_limit)).Count(static reason => reason == "cancelled"));
        await UntilAsync(() => host.ActiveReaders == 0);
        using var good = await host.Http.GetAsync("logs/demo/entries?from=0");
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
    }

    [Fact]
    public async Task CallsThatAreCancelledAtOnce_AndSlowReaders_HoldNothing()
    {
        using var channel = GrpcChannel.ForAddress(running.Host.Address);
        var client = new ReaderClient(channel);
        // A reset right after the request, thousands of times over one connection.
        for (var round = 0; round < 40; round++)
        {
            var calls = Enumerable.Range(0, 50).Select(_ => client.Read(new ReadRequest { Log = "demo", From = 8, Follow = true })).ToList();
            calls.ForEach(static call => call.Dispose());
        }

        // Readers that take the headers and never an entry.
        var slow = Enumerable.Range(0, 20).Select(_ => client.Read(new ReadRequest { Log = "demo", From = 2, Follow = true })).ToList();
        await ReadOneAsync();
        slow.ForEach(static call => call.Dispose());
        await UntilAsync(() => running.Host.ActiveReaders == 0);
        await ReadOneAsync();
    }

    [Fact]
    public async Task HeadersBeyondTheServersLimit_AreRefused_AndOthersAreServed()
    {
        using var http = new HttpClient { BaseAddress = running.Host.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "logs/demo/entries")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Add("x-large", new string('x', 200_000));
        try
        {
            using var response = await http.SendAsync(request).WaitAsync(_limit);
            Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The server ends the connection of whoever sends on.
        }

        await ReadOneAsync();
    }

    private async Task ReadOneAsync()
    {
        using var good = await running.Host.Http.GetAsync("logs/demo/entries/2").WaitAsync(_limit);
        Assert.Equal("2", await good.Content.ReadAsStringAsync());
    }

    private static async Task<string> PollAsync(ReaderHost host, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await host.Http.GetAsync("logs/demo/entries?from=8&wait=60s", cancellationToken);
            var problem = System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(cancellationToken), ControlJson.Default.ProblemBody)!;
            return problem.Reason ?? "";
        }
        catch (OperationCanceledException)
        {
            return "cancelled";
        }
    }

    private static async Task<WoodpeckerException?> EndAsync(AsyncServerStreamingCall<ReadReply> call)
    {
        using var limit = new CancellationTokenSource(_limit);
        try
        {
            while (await call.ResponseStream.MoveNext(limit.Token))
            {
                if (call.ResponseStream.Current.Failure is { } failure)
                    return FailureMapping.FromFailure(failure);
            }

            return null;
        }
        catch (RpcException e)
        {
            Assert.NotEqual(StatusCode.Unknown, e.StatusCode);
            return FailureMapping.FromRpcException(e, "reader");
        }
    }

    private static async Task<WoodpeckerException?> VerifyAsync(AsyncServerStreamingCall<VerifyReply> call)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
            }

            return null;
        }
        catch (RpcException e)
        {
            return FailureMapping.FromRpcException(e, "reader");
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (!condition())
            await Task.Delay(10, limit.Token);
    }
}
