using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Services.Tests.Writer;
using ReplicaAck = Woodpecker.Protocol.Replica.Ack;
using WireEntry = Woodpecker.Protocol.V1.NewEntry;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>One running writer for all cases: each must leave it as it was.</summary>
public sealed class RunningWriter : IAsyncLifetime
{
    internal WriterCluster Cluster { get; private set; } = null!;

    internal WriterInstance Writer { get; private set; } = null!;

    internal HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Cluster = await WriterCluster.StartAsync();
        await Cluster.CreateLogAsync("orders");
        Writer = await Cluster.StartWriterAsync("writer-1");
        Http = Writer.OpenHttp();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Cluster.DisposeAsync();
    }
}

/// <summary>Names, numbers, sizes and producers as a writer meets them over HTTP and gRPC.</summary>
public sealed class WriterRequestTests(RunningWriter running) : IClassFixture<RunningWriter>
{
    private const string Max = "9223372036854775807";

    [Fact]
    public Task OffsetsInBodies_AreRefused_WithTheirPath() => AllAsync(
        [
            .. new[] { "-1", "1e9", "1.5", "\"\"", "\"+1\"", "\" 1\"", "\"NaN\"", "NaN", "null", "true", "[]", "18446744073709551616", "\"1e9\"" }
                .Select(static text => Truncate($$"""{"offset":{{text}}}""", text == "NaN" ? "JSON" : "$.offset")),
            Truncate("""{"offset":9223372036854775808}""", Max),
            Truncate("""{"offset":"18446744073709551615"}""", Max),
            // 2^53+1 is told exactly, no double has touched it.
            Truncate("""{"offset":9007199254740993}""", "9007199254740993"),
            Truncate("""{"offset":"0009007199254740993"}""", "to 9007199254740993:"),
            Truncate("{}", "offset"),
            Truncate("null", "null"),
            Truncate("", "JSON"),
            Truncate("{\"offset\":1", "JSON"),
            Truncate(new string('[', 40) + new string(']', 40), "JSON"),
            Truncate(new string(' ', 70_000), "65536"),
        ]);

    [Fact]
    public Task NumbersInQueriesAndPaths_AreRefused_WithTheirName() => AllAsync(
        [
            .. Bad.Offsets.Concat(["0", "10001", "2147483648"])
                .Select(static text => new BadRequest("GET", "/logs?limit=" + Uri.EscapeDataString(text), "limit is '")),
            new("GET", "/logs?limit=5%00", "limit is '"),
            new("GET", "/logs/orders?linearizable=yes", "linearizable is 'yes'"),
            .. new[] { "-1", "+1", "18446744073709551616", "1e9", "NaN", "%D9%A3" }
                .Select(static text => new BadRequest("POST", $"/logs/orders/segments/{text}/force-seal", "not the number of a segment") { Body = "{}" }),
            new("POST", "/logs/orders/segments/18446744073709551615/force-seal", "egment") { Body = "{}", Status = 409 },
            new("POST", "/logs/orders/segments/0/force-seal", "$.acceptDataLoss") { Body = """{"acceptDataLoss":"yes"}""" },
            new("POST", "/logs/orders/segments/0/force-seal", "'by' and 'reason'") { Body = """{"acceptDataLoss":true}""" },
            new("POST", "/logs/orders/segments/0/force-seal", "at most 500")
            { Body = $$"""{"acceptDataLoss":true,"by":"x","reason":"{{new string('r', 501)}}"}""" },
        ]);

    [Fact]
    public Task Settings_AreRefused_WithTheirBounds() => AllAsync(
        [
            .. new[] { "-1", "0", "1", "4294967297", "9223372036854775807" }
                .Select(static text => Create($$"""{"segmentBytes":{{text}}}""", $"segmentBytes is {text}; it must be between")),
            Create("""{"segmentBytes":9223372036854775808}""", "$.segmentBytes"),
            Create("""{"segmentBytes":""}""", "$.segmentBytes"),
            Create("""{"retentionBytes":-1}""", "retentionBytes is -1"),
            .. new[] { "5", "-1s", "+1s", "1e9s", "1.5s", "s", " 5s", "5 s", "NaN", "٣s", "9223372036854775807d", "36501d", "5\\u0000s", "5S" }
                .Select(static text => Create($$"""{"segmentAge":"{{text}}"}""", "segmentAge '")),
            Create("""{"segmentAge":"0s"}""", "segmentAge is 0s; it must be between"),
            Create("""{"linger":"11s"}""", "linger is 11s; it must be between"),
            Create("""{"retentionAge":""}""", "retentionAge ''"),
            Create("""{"retentionAge":5}""", "$.retentionAge"),
            Create("""{"mode":"Both"}""", "mode is 'Both'; use"),
            Create("""{"mode":"1"}""", "mode is '1'; use"),
            Create("""{"mode":""}""", "mode is ''; use"),
            Create("""{"onProvenLoss":"Forget"}""", "onProvenLoss is 'Forget'; use"),
            Create("""{"requireToken":"true"}""", "$.requireToken"),
            Create("[]", "JSON"),
        ]);

    [Fact]
    public async Task NamesInPaths_AreRefused_OrLeadNowhere()
    {
        var bad = Bad.Names.Where(static n => n.Name.Length < 1_000 && !n.Name.Contains('\0', StringComparison.Ordinal)
            && !n.Name.Contains('.', StringComparison.Ordinal) && n.Name != "%2e%2e%2f");
        await AllAsync(
        [
            .. bad.Select(static n => new BadRequest("PUT", "/logs/" + Uri.EscapeDataString(n.Name), n.Why)),
            .. bad.Select(static n => new BadRequest("POST", $"/logs/{Uri.EscapeDataString(n.Name)}/entries", n.Why) { Body = "x", Type = MediaTypes.Octets }),
            new("PUT", "/logs/com1.txt", "'com1' is a reserved"),
            new("PUT", "/logs/a..b", "'..'"),
            new("GET", "/logs/a%2Fb", "has only"),
            // What the server folds away before it looks for a route names no log, and the answer says what it saw.
            new("PUT", "/logs/%2e%2e%2f", "starts with"),
            new("PUT", "/logs/..", "There is no PUT /") { Status = 404 },
            new("PUT", "/logs/a/../../b", "There is no PUT /b here") { Status = 404 },
            new("PUT", "/logs/", "There is no PUT /logs/ here") { Status = 404 },
            new("PATCH", "/logs/orders", "There is no PATCH /logs/orders here") { Status = 404 },
            new("GET", "/" + new string('x', 7_000), "xxx... here") { Status = 404 },
            // A trailing dot is a character of a name: another log, which does not exist.
            new("GET", "/logs/orders.", "no log 'orders.'") { Status = 404 },
            new("POST", "/nodes/REPLICA-1/drain", "1-63 lower-case"),
            new("POST", "/nodes/a%2F..%2Fb/drain", "1-63 lower-case"),
            new("POST", $"/nodes/{new string('a', 64)}/resume", "1-63 lower-case"),
        ]);
    }

    [Fact]
    public async Task ABrokenPath_IsRefusedByTheServer_AndTheNextRequestIsServed()
    {
        foreach (var path in new[] { "/logs/a%00b", "/logs/%FF%FE" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, BadRequest.Raw(running.Http, path))
            {
                Version = System.Net.HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            try
            {
                using var response = await running.Http.SendAsync(request);
                Assert.InRange((int)response.StatusCode, 400, 499);
            }
            catch (HttpRequestException)
            {
                // The server resets such a stream before there is a request to answer.
            }

            await AppendOneAsync();
        }
    }

    [Fact]
    public Task Bodies_AreRefused_WithTheEntryAtFault() => AllAsync(
        [
            Entries("""{"entries":[]}""", "1 to 1000 entries; this one has 0"),
            Entries("""{"entries":null}""", "'entries' is null"),
            Entries("""{"entries":[null]}""", "entry is null"),
            Entries("""{"entries":[{}]}""", "either 'payload' (base64) or 'text'"),
            Entries("""{"entries":[{"text":"a","payload":"AQ=="}]}""", "either 'payload' (base64) or 'text'"),
            Entries("""{"entries":[{"payload":"*"}]}""", "$.entries[0].payload"),
            Entries("""{"entries":[{"text":5}]}""", "$.entries[0].text"),
            Entries("""{"entries":[{"text":"\ud800"}]}""", "JSON"),
            Entries("""{"entries":[{"text":"a","headers":[null]}]}""", "header is null"),
            Entries("""{"entries":[{"text":"a","headers":[{"name":"","value":"AQ=="}]}]}""", "needs a name"),
            Entries($$"""{"entries":[{"text":"a","headers":[{{string.Join(',', Enumerable.Repeat("""{"name":"n","value":""}""", 65))}}]}]}""", "at most 64 headers"),
            Entries($$"""{"entries":[{{string.Join(',', Enumerable.Repeat("""{"text":"a"}""", 1_001))}}]}""", "this one has 1001"),
            Entries($$"""{"entries":[{"text":"{{new string('a', (1 << 20) + 1)}}"}]}""", "Entry 0 has 1048577 bytes; the limit is 1048576"),
            Entries("{}", "entries"),
            Entries("", "JSON"),
            Entries("{\"text\":\"a\"}\n{\"text\":", "Line 2 is not an entry", MediaTypes.NdJson),
            Entries("\n\n", "this one has 0", MediaTypes.NdJson),
            Entries("null", "Line 1 is not an entry", MediaTypes.NdJson),
            Entries(new string('a', (1 << 20) + 1), "larger than the limit of 1048576", MediaTypes.Octets),
            Entries("<a/>", "Content-Type 'application/xml' is not understood", "application/xml"),
            Entries("x", "Content-Type 'text/plain' is not understood", "text/plain"),
        ]);

    [Fact]
    public Task Headers_AreRefused_WithTheirName() => AllAsync(
        [
            .. Bad.Offsets.Where(static t => t.Length == 0 || (t.All(char.IsAscii) && !char.IsWhiteSpace(t[0]) && !char.IsWhiteSpace(t[^1])))
                .Select(static text => Append("wp-expected-offset is '", (ControlHeaders.ExpectedOffset, text))),
            // The header that is wrong is the one that is named.
            Append("wp-producer-id is missing", (ControlHeaders.ProducerEpoch, "0"), (ControlHeaders.Sequence, "0")),
            Append("wp-producer-id is 'x'", Producer("x", "0", "0")),
            Append("wp-producer-epoch is missing", (ControlHeaders.ProducerId, Id), (ControlHeaders.Sequence, "0")),
            .. new[] { "-1", "4294967296", "1e9", "+1", "" }
                .Select(static text => Append("wp-producer-epoch is '", Producer(Id, text, "0"))),
            .. new[] { "-1", "18446744073709551616", "1e9", "+1", "", "NaN" }
                .Select(static text => Append("wp-sequence is '", Producer(Id, "0", text))),
            Append("do not fit in 64 bits", Producer(Id, "0", "18446744073709551615")),
            Append("fencing token has 65 bytes", (ControlHeaders.FencingToken, new string('t', 65))),
            Append("fencing token to set has 66 bytes", (ControlHeaders.SetFencingToken, new string('t', 66))),
        ]);

    [Fact]
    public Task Producers_AreToldWhatIsExpected() => AllAsync(
        [
            Append("next sequence number is 0", Producer("00000000-0000-0000-0000-0000000000aa", "0", "5")) with { Status = 409 },
            Append("next sequence number is 0", Producer("00000000-0000-0000-0000-0000000000aa", "4294967295", "9007199254740993")) with { Status = 409 },
            // An offset in the past and one in the future.
            Append("The next offset is", (ControlHeaders.ExpectedOffset, Max)) with { Status = 409 },
            Append("The next offset is", (ControlHeaders.ExpectedOffset, "9007199254740993")) with { Status = 409 },
        ]);

    [Fact] // P1, P4, P5
    public async Task WrongBatches_AreRefusedOneByOne_AndTheStreamGoesOn()
    {
        var one = new WireEntry { Payload = ByteString.CopyFromUtf8("a") };
        var many = new WireEntry { Payload = ByteString.Empty };
        many.Headers.AddRange(Enumerable.Repeat(new Header { Name = "n" }, 65));
        var large = new WireEntry { Payload = ByteString.Empty };
        large.Headers.Add(new Header { Name = "n", Value = ByteString.CopyFrom(new byte[20_000]) });
        var id = ByteString.CopyFrom(new byte[16]);
        (AppendRequest Request, ErrorKind Kind, string Names)[] cases =
        [
            .. Bad.Names.Where(static n => n.Name.Length < 1_000)
                .Select(n => (new AppendRequest { Log = n.Name, Entries = { one } }, ErrorKind.Invalid, n.Why)),
            (new() { Log = "orders" }, ErrorKind.Invalid, "1 to 1000 entries; this one has 0"),
            (new() { Log = "orders", Entries = { Enumerable.Repeat(one, 1_001) } }, ErrorKind.Invalid, "this one has 1001"),
            (new() { Log = "orders", Entries = { new WireEntry { Payload = ByteString.CopyFrom(new byte[(1 << 20) + 1]) } } }, ErrorKind.Invalid, "this one has 1048577"),
            (new() { Log = "orders", Entries = { many } }, ErrorKind.Invalid, "at most 64 headers"),
            (new() { Log = "orders", Entries = { large } }, ErrorKind.Invalid, "at most 16384 bytes"),
            (new() { Log = "orders", Entries = { new WireEntry { Headers = { new Header() } } } }, ErrorKind.Invalid, "needs a name"),
            (new() { Log = "orders", Entries = { one }, ExpectedOffset = 1UL << 63 }, ErrorKind.Invalid, "expected offset is 9223372036854775808"),
            (new() { Log = "orders", Entries = { one }, ExpectedOffset = ulong.MaxValue }, ErrorKind.Invalid, "expected offset is 18446744073709551615"),
            (new() { Log = "orders", Entries = { one }, ExpectedOffset = (1UL << 63) - 1 }, ErrorKind.Mismatch, "The next offset is"),
            (new() { Log = "orders", Entries = { one }, FencingToken = new string('t', 65) }, ErrorKind.Invalid, "has 65 bytes"),
            (new() { Log = "orders", Entries = { one }, SetFencingToken = new string('t', 65) }, ErrorKind.Invalid, "to set has 65 bytes"),
            (new() { Log = "orders", Entries = { one }, Producer = new ProducerBatch() }, ErrorKind.Invalid, "producer_id has 0 bytes instead of 16"),
            (new() { Log = "orders", Entries = { one }, Producer = new ProducerBatch { ProducerId = ByteString.CopyFrom(new byte[17]) } }, ErrorKind.Invalid, "17 bytes"),
            (new() { Log = "orders", Entries = { one }, Producer = new ProducerBatch { ProducerId = id, FirstSequence = ulong.MaxValue } }, ErrorKind.Invalid, "do not fit in 64 bits"),
            (new() { Log = "orders", Entries = { one }, Producer = new ProducerBatch { ProducerId = id, FirstSequence = 5 } }, ErrorKind.Mismatch, "next sequence number is 0"),
        ];
        using var channel = GrpcChannel.ForAddress(running.Writer.Address);
        using var call = new WriterClient(channel).Append();
        var failures = new List<string>();
        foreach (var (request, kind, names) in cases)
        {
            await call.RequestStream.WriteAsync(request);
            await call.RequestStream.WriteAsync(new AppendRequest { Log = "orders", Entries = { one } });
            var answer = await NextAsync(call);
            if (answer is not { Outcome: AppendOutcome.NotAppended, Error: { } e } || e.Kind != kind || !e.Message.Contains(names, StringComparison.Ordinal))
                failures.Add($"{request.Log}, {names}: {answer.Outcome} {answer.Error?.Kind} {answer.Error?.Message}");
            Assert.Equal(AppendOutcome.Ok, (await NextAsync(call)).Outcome);
        }

        await call.RequestStream.CompleteAsync();
        Assert.Empty(failures);
    }

    [Fact] // P1
    public async Task AProducer_IsHeldToItsSequence_OverConnections()
    {
        var id = Guid.NewGuid();
        using var channel = GrpcChannel.ForAddress(running.Writer.Address);
        using var other = GrpcChannel.ForAddress(running.Writer.Address);
        using var left = new WriterClient(channel).Append();
        using var right = new WriterClient(other).Append();
        var placed = new List<Offset>();
        for (ulong sequence = 0; sequence < 20; sequence++)
            placed.Add((await SendAsync(sequence % 2 == 0 ? left : right, id, 1, sequence, "a")).FirstOffset);

        // The same number again with other bytes is the same append: the original answer, whoever asks.
        Assert.Equal(placed[19], (await SendAsync(left, id, 1, 19, "other")).FirstOffset);
        Assert.Equal(placed[12], (await SendAsync(right, id, 1, 12, "other")).FirstOffset);
        var old = (await SendAsync(right, id, 1, 3, "a")).Error!;
        var gap = (await SendAsync(left, id, 1, 25, "a")).Error!;
        var back = (await SendAsync(left, id, 0, 20, "a")).Error!;
        var begun = (await SendAsync(left, id, 2, 7, "a")).Error!;
        Assert.Equal((ErrorKind.Invalid, "DuplicateTooOld"), (old.Kind, old.Reason));
        Assert.Equal((ErrorKind.Mismatch, "OutOfOrder", 20UL), (gap.Kind, gap.Reason, gap.ExpectedSequence!.Value));
        Assert.Equal((ErrorKind.Fenced, "ProducerFenced"), (back.Kind, back.Reason));
        Assert.Equal((ErrorKind.Mismatch, 0UL), (begun.Kind, begun.ExpectedSequence!.Value));
        Assert.Equal(AppendOutcome.Ok, (await SendAsync(right, id, 1, 20, "a")).Outcome);
    }

    [Fact] // O2: a forwarded request is never forwarded again, whoever asks for it
    public async Task AForwardedCall_ToAWriterThatDoesNotOwnTheLog_NamesTheOwner()
    {
        var log = await running.Cluster.CreateLogAsync("owned");
        Assert.Equal(AppendOutcome.Ok, (await running.Writer.AppendAsync("owned", "a")).Outcome);
        var second = await running.Cluster.StartWriterAsync("writer-2");
        using var channel = GrpcChannel.ForAddress(second.Address);
        using var call = new WriterClient(channel).Append(new Grpc.Core.Metadata { { "wp-forwarded", "1" }, { "wp-forwarded", "2" } });
        await call.RequestStream.WriteAsync(new AppendRequest { Log = "owned", Entries = { new WireEntry() } });
        var refusal = (await NextAsync(call)).Error!;
        Assert.Equal((ErrorKind.NotOwner, "writer-1"), (refusal.Kind, refusal.Owner));
        Assert.Null(second.Ownership.FindOpen(log.Id));
        Assert.Equal(AppendOutcome.Ok, (await second.AppendAsync("owned", "b")).Outcome);
        await second.StopAsync();
    }

    [Fact] // W4, INV-9, R14: only what was sent counts, and only from the member it was sent to
    public async Task AcksThatCannotBe_CountNothing_AndTrueOnesDoAfterwards()
    {
        await using var cluster = await WriterCluster.StartAsync();
        await cluster.CreateLogAsync("orders");
        var writer = await cluster.StartWriterAsync("writer-1", ("Woodpecker:Writer:AppendTimeoutMilliseconds", "1500"));
        Assert.Equal(AppendOutcome.Ok, (await writer.AppendAsync("orders", "a")).Outcome);
        foreach (var service in cluster.ReplicaServices.Skip(1))
            service.Lie = Lies;
        Assert.NotEqual(AppendOutcome.Ok, (await writer.AppendAsync("orders", "b")).Outcome);
        foreach (var service in cluster.ReplicaServices)
            service.Lie = null;
        var answer = default(AppendResult);
        for (var attempt = 0; attempt < 10 && answer.Outcome != AppendOutcome.Ok; attempt++)
            answer = await writer.AppendAsync("orders", "c");
        Assert.Equal(AppendOutcome.Ok, answer.Outcome);

        static IEnumerable<ReplicaAck> Lies(ReplicaAck truth)
        {
            yield return Changed(truth, static a => a.DurableUpTo = long.MaxValue);
            yield return Changed(truth, static a => a.DurableUpTo += 1_000);
            yield return Changed(truth, static a => a.DurableUpTo = long.MinValue);
            yield return Changed(truth, static a => a.LogId += 1);
            yield return Changed(truth, static a => a.SegmentId += 1);
            yield return Changed(truth, static a => a.Replica.NodeId = "replica-9");
            yield return Changed(truth, static a => a.Replica.Generation += 1);
            yield return Changed(truth, static a => a.Replica.Incarnation = ByteString.CopyFrom(new byte[16]));
            yield return Changed(truth, static a => a.Replica = null);
        }

        static ReplicaAck Changed(ReplicaAck ack, Action<ReplicaAck> change)
        {
            var copy = ack.Clone();
            change(copy);
            return copy;
        }
    }

    private static string Id => "00000000-0000-0000-0000-000000000001";

    private static BadRequest Truncate(string body, string names) => new("POST", "/logs/orders/truncate", names) { Body = body };

    private static BadRequest Create(string body, string names) => new("PUT", "/logs/new", names) { Body = body };

    private static BadRequest Entries(string body, string names, string type = MediaTypes.Json) =>
        new("POST", "/logs/orders/entries", names) { Body = body, Type = type };

    private static BadRequest Append(string names, params (string Name, string Value)[] headers) =>
        new("POST", "/logs/orders/entries", names) { Body = "x", Type = MediaTypes.Octets, Headers = headers };

    private static (string Name, string Value)[] Producer(string id, string epoch, string sequence) =>
        [(ControlHeaders.ProducerId, id), (ControlHeaders.ProducerEpoch, epoch), (ControlHeaders.Sequence, sequence)];

    private static async Task<AppendResult> SendAsync(
        AsyncDuplexStreamingCall<AppendRequest, AppendReply> call, Guid producer, uint epoch, ulong sequence, string text)
    {
        await call.RequestStream.WriteAsync(new AppendRequest
        {
            Log = "orders",
            Entries = { new WireEntry { Payload = ByteString.CopyFrom(text, Encoding.UTF8) } },
            Producer = EntryMapping.ToWire(new ProducerStamp(producer, epoch, sequence)),
        });
        return await NextAsync(call);
    }

    private static async Task<AppendResult> NextAsync(AsyncDuplexStreamingCall<AppendRequest, AppendReply> call)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.True(await call.ResponseStream.MoveNext(limit.Token));
        return AppendMapping.ToResult(call.ResponseStream.Current);
    }

    private async Task AllAsync(IReadOnlyList<BadRequest> requests)
    {
        var failures = new List<string>();
        foreach (var request in requests)
        {
            if (await request.TryAsync(running.Http) is { } failure)
                failures.Add(failure.Length < 600 ? failure : failure[..600]);
            await AppendOneAsync();
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }

    private async Task AppendOneAsync()
    {
        using var good = await running.Http.PostAsync("/logs/orders/entries", new ByteArrayContent([1]));
        Assert.True(good.IsSuccessStatusCode, await good.Content.ReadAsStringAsync());
    }
}
