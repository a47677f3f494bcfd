using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;

namespace Woodpecker.Services.Tests.Replica;

/// <summary>A writer's side of a session, message by message.</summary>
internal sealed class WireSession(AsyncDuplexStreamingCall<SessionRequest, SessionReply> call) : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    public HelloReply Hello { get; private set; } = new();

    public async Task GreetAsync(string node, params SegmentKey[] asked)
    {
        var hello = new Hello
        {
            ClusterId = IdentityMapping.ToWire(ReplicaHost.Cluster),
            WriterId = "writer-1",
            MinFormat = 1,
            MaxFormat = 1,
            TargetNodeId = node,
        };
        hello.Segments.AddRange(asked.Select(key => new SegmentRef { LogId = key.Log.Value, SegmentId = key.Segment.Value }));
        await SendAsync(new SessionRequest { Hello = hello });
        Hello = (await ReceiveAsync()).Hello;
    }

    public Task SendAsync(SessionRequest request) => call.RequestStream.WriteAsync(request);

    public Task OpenAsync(WireSegment segment) => SendAsync(new SessionRequest
    {
        SegmentOpen = new SegmentOpen
        {
            LogId = segment.Key.Log.Value,
            SegmentId = segment.Key.Segment.Value,
            Epoch = segment.Epoch.Value,
            Target = IdentityMapping.ToWire(segment.Member),
            Header = ByteString.CopyFrom(segment.Header),
        },
    });

    public Task AppendAsync(WireSegment segment, byte[] frame) => SendAsync(new SessionRequest
    {
        Append = new AppendFrame
        {
            LogId = segment.Key.Log.Value,
            SegmentId = segment.Key.Segment.Value,
            Epoch = segment.Epoch.Value,
            Frame = ByteString.CopyFrom(frame),
        },
    });

    public Task ConfirmAsync(WireSegment segment, long lac) => SendAsync(new SessionRequest
    {
        Lac = new Lac { LogId = segment.Key.Log.Value, SegmentId = segment.Key.Segment.Value, Epoch = segment.Epoch.Value, Lac_ = lac },
    });

    public async Task<SessionReply> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(_limit);
        Assert.True(await call.ResponseStream.MoveNext(limit.Token), "the session ended");
        return call.ResponseStream.Current;
    }

    /// <summary>Receives until the segment is acknowledged up to the entry.</summary>
    public async Task WaitForAckAsync(WireSegment segment, long entry)
    {
        while (true)
        {
            var reply = await ReceiveAsync();
            Assert.NotEqual(SessionReply.KindOneofCase.Refusal, reply.KindCase);
            if (reply.Ack is { } ack && ack.SegmentId == segment.Key.Segment.Value && ack.DurableUpTo >= entry)
                return;
        }
    }

    public async Task<Refusal> WaitForRefusalAsync()
    {
        while (true)
        {
            var reply = await ReceiveAsync();
            if (reply.KindCase == SessionReply.KindOneofCase.Refusal)
                return reply.Refusal;
        }
    }

    public void Dispose() => call.Dispose();
}
