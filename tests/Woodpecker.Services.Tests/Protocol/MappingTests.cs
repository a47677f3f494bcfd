using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Reading;

namespace Woodpecker.Services.Tests.Protocol;

public sealed class MappingTests
{
    public static TheoryData<ErrorKind> Kinds => [.. Enum.GetValues<ErrorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AFailure_SurvivesEveryWire_WithAllItsData(ErrorKind kind)
    {
        var error = new WoodpeckerException(kind, "what happened")
        {
            Reason = "Exactly",
            Offset = new Offset(77),
            ExpectedSequence = 5,
            Owner = "writer-2",
            RetryAfter = TimeSpan.FromMilliseconds(250),
        };

        AssertSame(error, FailureMapping.FromFailure(FailureMapping.ToFailure(error)));
        AssertSame(error, FailureMapping.FromRpcException(FailureMapping.ToRpcException(error), "peer"));
        var problem = ProblemMapping.ToProblem(error);
        AssertSame(error, ProblemMapping.FromProblem(problem.Status, problem, "peer"));
        Assert.InRange(problem.Status, 400, 599);
    }

    [Fact] // W7: nothing is known about the work of a peer that a sidecar could not reach
    public void AStatusWithoutOurTrailer_IsUnavailable()
    {
        foreach (
            var code in new[] { StatusCode.Unavailable, StatusCode.Unknown, StatusCode.Internal, StatusCode.Cancelled,
            StatusCode.Unimplemented })
        {
            var error = FailureMapping.FromRpcException(new RpcException(new Status(code, "x")), "writer-1");
            Assert.Equal(ErrorKind.Unavailable, error.Kind);
        }
    }

    [Theory]
    [InlineData(404, ErrorKind.NotFound)]
    [InlineData(429, ErrorKind.Unavailable)]
    [InlineData(500, ErrorKind.Unavailable)]
    [InlineData(503, ErrorKind.Unavailable)]
    [InlineData(504, ErrorKind.Indeterminate)]
    [InlineData(401, ErrorKind.Invalid)]
    public void AnHttpStatusOfAnotherOrigin_IsJudgedByItsNumber(int status, ErrorKind kind) =>
        Assert.Equal(kind, ProblemMapping.FromProblem(status, null, "peer").Kind);

    [Fact]
    public void AKindOfANewerPeer_IsADefectThatNobodyRetries()
    {
        var error = FailureMapping.FromFailure(new Failure { Kind = "Surprising", Message = "m" });

        Assert.Equal((ErrorKind.Internal, false), (error.Kind, error.IsRetryable));
    }

    [Fact]
    public void AnEntry_SurvivesTheWire()
    {
        var entry = new LogEntry(
            new Offset(9), 1_234, new byte[] { 1, 2, 3 }, [new EntryHeaderField("name", new byte[] { 4 })],
            new ProducerStamp(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), 3, 8));

        var copy = EntryMapping.ToEntry(ReadEntry.Parser.ParseFrom(EntryMapping.ToWire(entry).ToByteArray()));

        Assert.Equal((entry.Offset, entry.Timestamp, entry.Producer), (copy.Offset, copy.Timestamp, copy.Producer));
        Assert.Equal(entry.Payload.ToArray(), copy.Payload.ToArray());
        Assert.Equal(("name", (byte)4), (copy.Headers[0].Name, copy.Headers[0].Value.Span[0]));
    }

    [Fact]
    public void AnAppendResult_SurvivesTheWire_WithItsOutcome()
    {
        var error = new WoodpeckerException(ErrorKind.Mismatch, "m")
        {
            Reason = "OffsetMismatch",
            Offset = new Offset(4),
        };
        foreach (var result in new[]
        {
            AppendResult.Ok(new Offset(7), 3, Durability.Disk2),
            AppendResult.NotAppended(error),
            AppendResult.Indeterminate(error),
        })
        {
            var reply = AppendMapping.ToWire(result, 12);
            var copy = AppendMapping.ToResult(reply);

            Assert.Equal(12UL, reply.RequestId);
            Assert.Equal(
                (result.Outcome, result.FirstOffset, result.Count, result.Durability),
                (copy.Outcome, copy.FirstOffset, copy.Count, copy.Durability));
            Assert.Equal(result.Error?.Offset, copy.Error?.Offset);
        }
    }

    [Fact] // W7
    public void AnAnswerWithoutAnOutcome_IsIndeterminate() =>
        Assert.Equal(AppendOutcome.Indeterminate, AppendMapping.ToResult(new AppendReply { RequestId = 1 }).Outcome);

    [Theory]
    [InlineData(null, null)]
    [InlineData("YQ==", "a")]
    public void AJsonEntry_NeedsExactlyOneFormOfPayload(string? payload, string? text)
    {
        var body = new NewEntryBody
        {
            Payload = payload is null ? null : Convert.FromBase64String(payload),
            Text = text,
        };

        Assert.Equal(ErrorKind.Invalid, Assert.Throws<WoodpeckerException>(() => EntryMapping.ToNewEntry(body)).Kind);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"text":"a","headers":[null]}""")]
    [InlineData("""{"text":"a","headers":[{"name":null}]}""")]
    [InlineData("""{"text":"a","headers":[{"name":"h","value":null}]}""")]
    public void ANullInAJsonEntry_IsInvalid(string json)
    {
        var body = System.Text.Json.JsonSerializer.Deserialize(json, ControlJson.Default.NewEntryBody);
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<WoodpeckerException>(() => EntryMapping.ToNewEntry(body)).Kind);
    }

    [Fact]
    public void HeadersOverTheLimit_AreRefused()
    {
        var many = new Woodpecker.Protocol.V1.NewEntry();
        for (var i = 0; i <= Limits.MaxHeaders; i++)
            many.Headers.Add(new Header { Name = $"h{i}" });
        var large = new Woodpecker.Protocol.V1.NewEntry();
        large.Headers.Add(new Header { Name = "h", Value = ByteString.CopyFrom(new byte[Limits.MaxHeadersSize]) });
        var nameless = new Woodpecker.Protocol.V1.NewEntry();
        nameless.Headers.Add(new Header());

        Assert.All(
            [many, large, nameless],
            static entry =>
                Assert.Equal(
                    ErrorKind.Invalid, Assert.Throws<WoodpeckerException>(() => EntryMapping.ToNewEntry(entry)).Kind));
    }

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("5s", 5_000)]
    [InlineData("10m", 600_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("0ms", 0)]
    public void ADuration_IsReadAndWrittenAlike(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
        Assert.Equal(text, DurationText.Format(duration));
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("1.5h")]
    [InlineData("99999999d")]
    public void NoDuration_IsRefused(string text) => Assert.False(DurationText.TryParse(text, out _));

    private static void AssertSame(WoodpeckerException expected, WoodpeckerException actual)
    {
        Assert.Equal(
            (expected.Kind, expected.Message, expected.Reason, expected.Offset),
            (actual.Kind, actual.Message, actual.Reason, actual.Offset));
        Assert.Equal(
            (expected.ExpectedSequence, expected.Owner, expected.RetryAfter, expected.IsRetryable),
            (actual.ExpectedSequence, actual.Owner, actual.RetryAfter, actual.IsRetryable));
    }
}
