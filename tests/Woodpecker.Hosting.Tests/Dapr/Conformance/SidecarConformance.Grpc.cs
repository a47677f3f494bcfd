using Google.Protobuf;
using Grpc.Core;

namespace Woodpecker.Hosting.Tests.Dapr.Conformance;

using Metadata = Grpc.Core.Metadata;

public abstract partial class SidecarConformance
{
    private static Echo.EchoClient Client(SidecarProcess caller) => new(caller.Grpc);

    private static Metadata To(SidecarProcess callee, params (string Name, string Value)[] more)
    {
        Metadata metadata = new() { { "dapr-app-id", callee.AppId } };
        foreach (var (name, value) in more)
        {
            metadata.Add(name, value);
        }

        return metadata;
    }

    private static DateTime Deadline => DateTime.UtcNow + Limit;

    [Theory]
    [InlineData("dapr-app-id")]
    [InlineData("dapr-callee-app-id")]
    public async Task S30_Unary_CarriesTheIdentities(string header)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var reply = await Client(a).UnaryAsync(new Note { Text = "hello" }, new Metadata { { header, b.AppId } }, Deadline, Stop);

        Assert.Equal("hello", reply.Text);
        Assert.Equal(a.AppId, reply.Seen["dapr-caller-app-id"]);
        Assert.Equal(b.AppId, reply.Seen["dapr-callee-app-id"]);
        Assert.DoesNotContain("dapr-app-id", reply.Seen.Keys);
    }

    [Fact]
    public async Task S31_MetadataHeadersAndTrailers_Pass()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var metadata = To(b, ("x-client", "c1"));
        metadata.Add("x-client-bin", [1, 2, 254, 255]);
        using var call = Client(a).UnaryAsync(new Note { Text = "hello" }, metadata, Deadline, Stop);

        var reply = await call;
        Assert.Equal("c1", reply.Seen["x-client"]);
        Assert.Equal("0102FEFF", reply.Seen["x-client-bin"]);
        Assert.Equal("h1", (await call.ResponseHeadersAsync).GetValue("x-server-header"));
        Assert.Equal("t1", call.GetTrailers().GetValue("x-server-trailer"));
    }

    [Fact]
    public async Task S32_StatusAndMessage_Pass()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await Client(a).UnaryAsync(new Note { Text = "fail" }, To(b), Deadline, Stop));
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal("not now: ä", error.Status.Detail);
        Assert.Equal("t1", error.Trailers.GetValue("x-server-trailer"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task S33_BidiStream_StaysInOrder(bool streamHeader)
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        using var chat = Client(a).Chat(streamHeader ? To(b, ("dapr-stream", "true")) : To(b), cancellationToken: Stop);
        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal(i, (await RoundTripAsync(chat, i)).Number);
        }

        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext(Stop));
        Assert.Equal(StatusCode.OK, chat.GetStatus().StatusCode);
        Assert.Equal("t2", chat.GetTrailers().GetValue("x-server-trailer"));
    }

    [Fact]
    public async Task S34_EitherSide_MayEndFirst()
    {
        var (a, b, _, _) = await fixture.OpenAsync();

        using var collect = Client(a).Collect(To(b), cancellationToken: Stop);
        for (var i = 1; i <= 100; i++)
        {
            await collect.RequestStream.WriteAsync(new Note { Number = i }, Stop);
        }

        await collect.RequestStream.CompleteAsync();
        Assert.Equal(5050, (await collect).Number);

        using var repeat = Client(a).Repeat(new Note { Text = NewId(), Number = 100 }, To(b), cancellationToken: Stop);
        var received = 0;
        await foreach (var note in repeat.ResponseStream.ReadAllAsync(Stop))
        {
            Assert.Equal(received++, note.Number);
        }

        Assert.Equal(100, received);

        using var chat = Client(a).Chat(To(b), cancellationToken: Stop);
        await RoundTripAsync(chat, 1);
        await chat.RequestStream.WriteAsync(new Note { Text = "end" }, Stop);
        var error = await Assert.ThrowsAsync<RpcException>(() => chat.ResponseStream.MoveNext(Stop).WaitAsync(Limit, Stop));
        Assert.Equal(StatusCode.OutOfRange, error.StatusCode);
    }

    [Fact]
    public async Task S35_CancelAndDeadline_ReachTheApplication()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        using var cancel = new CancellationTokenSource();
        var cancelled = Random.Shared.Next(1, int.MaxValue);
        using var call = Client(a).UnaryAsync(new Note { Text = "wait", Number = cancelled }, To(b), Deadline, cancel.Token);
        // daprd passes headers on with the first message only, and here none comes.
        await Task.WhenAny(call.ResponseHeadersAsync, Task.Delay(TimeSpan.FromSeconds(1), Stop));
        await cancel.CancelAsync();
        await app.Echo.WhenCancelledAsync(cancelled).WaitAsync(TimeSpan.FromSeconds(2), Stop);

        var late = Random.Shared.Next(1, int.MaxValue);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client(a).UnaryAsync(
            new Note { Text = "wait", Number = late }, To(b), DateTime.UtcNow + TimeSpan.FromSeconds(1), Stop));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await app.Echo.WhenCancelledAsync(late).WaitAsync(TimeSpan.FromSeconds(2), Stop);
    }

    [Fact]
    public async Task S36_IdleStream_Lives()
    {
        OnlyInLongRuns();
        var (a, b, _, _) = await fixture.OpenAsync();
        using var chat = Client(a).Chat(To(b, ("dapr-stream", "true")), cancellationToken: Stop);
        await RoundTripAsync(chat, 1);
        await Task.Delay(TimeSpan.FromSeconds(130), Stop);
        await RoundTripAsync(chat, 2);
    }

    [Fact]
    public async Task S37_ThousandStreamsOnOneChannel_AllProgress()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        var chats = Enumerable.Range(0, 1000).Select(_ => Client(a).Chat(To(b, ("dapr-stream", "true")), cancellationToken: Stop)).ToArray();
        for (var round = 0; round < 2; round++)
        {
            var number = round;
            await Task.WhenAll(chats.Select(chat => RoundTripAsync(chat, number))).WaitAsync(TimeSpan.FromSeconds(60), Stop);
        }

        foreach (var chat in chats)
        {
            chat.Dispose();
        }
    }

    [Fact]
    public async Task S38_PausedReader_IsFlowControlledAndLosesNothing()
    {
        var (a, b, _, app) = await fixture.OpenAsync();
        const int Count = 600;
        var id = NewId();
        var request = new Note { Text = id, Number = Count, Data = ByteString.CopyFrom(new byte[128 << 10]) };
        using var repeat = Client(a).Repeat(request, To(b, ("dapr-stream", "true")), cancellationToken: Stop);
        Assert.True(await repeat.ResponseStream.MoveNext(Stop));

        // Longer than the 5 s after which a server with default limits gives up on a slow reader.
        await Task.Delay(TimeSpan.FromSeconds(IsLong ? 20 : 7), Stop);
        Assert.InRange(app.Echo.SentBy(id), 1, Count - 1);

        var received = 1;
        while (await repeat.ResponseStream.MoveNext(Stop))
        {
            Assert.Equal(received++, repeat.ResponseStream.Current.Number);
        }

        Assert.Equal(Count, received);
    }

    [Fact]
    public async Task S39_CallToNobody_Fails()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        var unnamed = await Assert.ThrowsAsync<RpcException>(
            async () => await Client(a).UnaryAsync(new Note(), new Metadata(), Deadline, Stop));
        Assert.NotEqual(StatusCode.DeadlineExceeded, unnamed.StatusCode);

        var unknown = await Assert.ThrowsAsync<RpcException>(
            async () => await Client(a).UnaryAsync(new Note(), new Metadata { { "dapr-app-id", "nobody-here" } }, Deadline, Stop));
        Assert.NotEqual(StatusCode.DeadlineExceeded, unknown.StatusCode);
    }

    [Fact]
    public async Task S40_OneApplicationPort_ServesHttpAndGrpc()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            Assert.Equal($"/echo/{i}", (await SendAsync(a, HttpMethod.Get, Invoke(b, $"echo/{i}"))).RawTarget);
            Assert.Equal($"n{i}", (await Client(a).UnaryAsync(new Note { Text = $"n{i}" }, To(b), Deadline, Stop)).Text);
        }));
    }

    [Fact]
    public async Task S41_MessageOverTheLimit_IsRefusedBothWays()
    {
        var (a, b, _, _) = await fixture.OpenAsync();
        const int MaxBody = 4 << 20;

        var fits = Padded(MaxBody);
        Assert.Equal(fits.Data.Length, (await Client(a).UnaryAsync(fits, To(b), Deadline, Stop)).Number);
        var up = await Assert.ThrowsAsync<RpcException>(async () => await Client(a).UnaryAsync(Padded(MaxBody + 1), To(b), Deadline, Stop));
        Assert.Equal(StatusCode.ResourceExhausted, up.StatusCode);

        var down = await Client(a).UnaryAsync(new Note { Text = "large", Number = MaxBody - 1024 }, To(b), Deadline, Stop);
        Assert.Equal(MaxBody - 1024, down.Data.Length);
        var tooLarge = await Assert.ThrowsAsync<RpcException>(
            async () => await Client(a).UnaryAsync(new Note { Text = "large", Number = MaxBody + 1 }, To(b), Deadline, Stop));
        Assert.Equal(StatusCode.ResourceExhausted, tooLarge.StatusCode);
    }

    [Fact]
    public async Task S42_RestartOfTheApplication_IsSurvived_AndABrokenStreamEndsWithAnError()
    {
        var (a, _, _, _) = await fixture.OpenAsync();
        await using var app = await TestApp.StartAsync();
        await using var callee = await fixture.StartAsync(fixture.Settings(fixture.NewId("breaking")) with { AppPort = app.Port });
        await Client(a).UnaryAsync(new Note(), To(callee), Deadline, Stop);

        await app.StopAsync();
        await app.StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await Client(a).UnaryAsync(new Note(), To(callee), Deadline, Stop);
                    return true;
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(3), () => "no call succeeds after the restart");

        using var chat = Client(a).Chat(To(callee), cancellationToken: Stop);
        await RoundTripAsync(chat, 1);
        await callee.KillAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => chat.ResponseStream.MoveNext(Stop).WaitAsync(Limit, Stop));
        Assert.NotEqual(StatusCode.OK, error.StatusCode);
        if (!fixture.Binary.IsReal)
        {
            Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        }
    }

    [Fact]
    public async Task S43_GrpcTokens_AreDemandedAndReplaced()
    {
        var (a, b, _, _) = await fixture.OpenGuardedAsync();
        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client(a).UnaryAsync(new Note(), To(b), Deadline, Stop));
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);

        var reply = await Client(a).UnaryAsync(new Note(), To(b, ("dapr-api-token", "api-a")), Deadline, Stop);
        Assert.Equal("app-b", reply.Seen["dapr-api-token"]);
    }

    private static async Task<Note> RoundTripAsync(AsyncDuplexStreamingCall<Note, Note> chat, int number)
    {
        await chat.RequestStream.WriteAsync(new Note { Number = number }, Stop);
        Assert.True(await chat.ResponseStream.MoveNext(Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
        return chat.ResponseStream.Current;
    }

    /// <summary>A note whose encoded size is exactly this.</summary>
    private static Note Padded(int size)
    {
        var note = new Note { Data = ByteString.CopyFrom(new byte[size - 10]) };
        note.Data = ByteString.CopyFrom(new byte[size - 10 + (size - note.CalculateSize())]);
        Assert.Equal(size, note.CalculateSize());
        return note;
    }
}
