using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Protocol.Transport;
using Woodpecker.Storage.Writing;
using ReplicaClient = Woodpecker.Protocol.Replica.Replica.ReplicaClient;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// The one stream of this process to one replica node: frames of many logs multiplexed, order per log kept. Connects
/// when
/// a segment needs the node, reconnects with back-off; a broken stream never resumes, it says Hello again.
/// </summary>
/// <remarks>Threads: lanes are registered from any thread; one loop connects, writes and, beside it, reads.</remarks>
internal sealed partial class ReplicaStream : IAsyncDisposable
{
    private readonly LaneQueue _lanes = new();
    private readonly AsyncSignal _wake = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IPeerChannels _channels;
    private readonly ReplicationSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Guid _clusterId;
    private readonly string _writerId;
    private readonly Task _loop;
    private volatile ReplicaConnection? _connection;
    private volatile bool _isWanted;
    private bool _saidHello;

    public ReplicaStream(
        string nodeId,
        Guid clusterId,
        string writerId,
        IPeerChannels channels,
        ReplicationSettings settings,
        TimeProvider time,
        ILogger logger)
    {
        NodeId = nodeId;
        (_clusterId, _writerId, _channels, _settings, _time, _logger) =
            (clusterId, writerId, channels, settings, time, logger);
        _loop = RunAsync();
    }

    public string NodeId { get; }

    /// <summary>Whether the node said Hello on the present stream.</summary>
    public bool IsConnected => _connection is not null;

    /// <summary>The store that answers at the node; null while not connected.</summary>
    public ReplicaId? Identity => _connection?.Replica;

    /// <summary>Wants the node connected, with or without a segment.</summary>
    public void Want()
    {
        _isWanted = true;
        _wake.Raise();
    }

    public void Register(ReplicaLane lane)
    {
        // In this order: a stream that connects meanwhile finds the lane, and telling it twice is harmless.
        _lanes.Add(lane);
        Want();
        if (_connection is { } connection)
            lane.Sink.OnConnected(lane, connection.Replica, null);
    }

    public void Unregister(ReplicaLane lane) => _lanes.Remove(lane);

    /// <summary>The lane may have something to send.</summary>
    public void MarkReady(ReplicaLane lane)
    {
        if (_lanes.MarkReady(lane))
            _wake.Raise();
    }

    /// <summary>Breaks a stream on which an answer is owed for too long (W8); any thread.</summary>
    public void BreakIfStuck()
    {
        if (_connection is { } connection && connection.IsStuck(_settings.StreamTimeout))
            connection.Break();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _wake.Raise();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        var pause = _settings.FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            if (!_isWanted)
            {
                await _wake.WaitAsync();
                continue;
            }

            _saidHello = false;
            try
            {
                await ServeOneStreamAsync();
            }
            catch (Exception e)
            {
                // Whatever ends a stream, the next one begins with Hello and asks what is durable; the loop never ends.
                Log.NotConnected(_logger, NodeId, Describe(e));
            }

            pause = _saidHello ? _settings.FirstPause : Min(pause * 2, _settings.LongestPause);
            try
            {
                await Task.Delay(pause, _time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // One stream from Hello to its end. Response headers may come late, so only messages are waited for.
    private async Task ServeOneStreamAsync()
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var client = new ReplicaClient(_channels.GetInvoker(NodeId));
        using var call = client.Session(cancellationToken: broken.Token);
        var asked = new Dictionary<SegmentKey, ReplicaLane>();
        var hello = await SayHelloAsync(call, asked, broken);
        var connection = new ReplicaConnection(hello.Replica, broken, _time);
        Announce(connection, hello, asked);
        var reading = ReadAsync(call, connection, broken);
        try
        {
            await WriteAsync(call, connection, broken.Token);
        }
        finally
        {
            _connection = null;
            await broken.CancelAsync();
            await reading;
            foreach (var lane in _lanes.List())
                lane.Sink.Tick();
        }
    }

    private async Task<HelloReply> SayHelloAsync(
        AsyncDuplexStreamingCall<SessionRequest, SessionReply> call,
        Dictionary<SegmentKey, ReplicaLane> asked,
        CancellationTokenSource broken)
    {
        var hello = new Hello
        {
            ClusterId = IdentityMapping.ToWire(_clusterId),
            WriterId = _writerId,
            MinFormat = 1,
            MaxFormat = 1,
            TargetNodeId = NodeId,
        };
        foreach (var lane in _lanes.List())
        {
            asked[lane.Segment] = lane;
            hello.Segments.Add(
                new SegmentRef { LogId = lane.Segment.Log.Value, SegmentId = lane.Segment.Segment.Value });
        }

        using var limit = new CancellationTokenSource(_settings.HelloTimeout, _time);
        await using var link =
            limit.Token.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), broken);
        await call.RequestStream.WriteAsync(new SessionRequest { Hello = hello }, broken.Token);
        if (!await call.ResponseStream.MoveNext(broken.Token)
            || call.ResponseStream.Current.Hello is not { Replica: not null } reply)
            throw new WoodpeckerException(ErrorKind.Unavailable, $"{NodeId} did not answer Hello.");
        return reply;
    }

    private void Announce(ReplicaConnection connection, HelloReply hello, Dictionary<SegmentKey, ReplicaLane> asked)
    {
        Log.Connected(_logger, connection.Replica);
        _saidHello = true;
        _lanes.ForgetReady();
        _connection = connection;
        var known = new Dictionary<SegmentKey, SegmentStatus>();
        foreach (var status in hello.Segments)
            known[new SegmentKey(new LogId(status.LogId), new SegmentId(status.SegmentId))] = status;
        foreach (var lane in _lanes.List())
        {
            var status = asked.GetValueOrDefault(lane.Segment) == lane ? known.GetValueOrDefault(lane.Segment) : null;
            lane.Sink.OnConnected(lane, connection.Replica, status);
        }
    }

    private async Task WriteAsync(
        AsyncDuplexStreamingCall<SessionRequest, SessionReply> call, ReplicaConnection connection,
        CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (!_lanes.TryTakeMessage(out var message, out var frame))
            {
                await _wake.WaitAsync();
                continue;
            }

            try
            {
                // W2: the bytes are checked once more before they leave; a reused buffer must not reach a disk.
                Invariant.Check(frame is null || frame.IsIntact(), "W2");
                connection.OnSending(owesAnswer: message.KindCase != SessionRequest.KindOneofCase.Lac);
                await call.RequestStream.WriteAsync(message, cancellationToken);
            }
            finally
            {
                // The message borrowed the frame's bytes until now.
                frame?.Release();
            }
        }
    }

    private async Task ReadAsync(
        AsyncDuplexStreamingCall<SessionRequest, SessionReply> call, ReplicaConnection connection,
        CancellationTokenSource broken)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(broken.Token))
                Dispatch(call.ResponseStream.Current, connection);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or WoodpeckerException)
        {
            Log.Broken(_logger, NodeId, Describe(e));
        }

        await broken.CancelAsync();
        _wake.Raise();
    }

    private void Dispatch(SessionReply reply, ReplicaConnection connection)
    {
        connection.OnAnswer();
        switch (reply.KindCase)
        {
            case SessionReply.KindOneofCase.Ack:
                var ack = reply.Ack;
                if (_lanes.Find(ack.LogId, ack.SegmentId) is { } acked)
                    acked.Sink.OnAck(acked, connection.Identify(ack.Replica), new EntryId(ack.DurableUpTo));
                break;
            case SessionReply.KindOneofCase.LacAck:
                var known = reply.LacAck;
                if (_lanes.Find(known.LogId, known.SegmentId) is { } told)
                    told.Sink.OnLacAck(told, new EntryId(known.Lac));
                break;
            case SessionReply.KindOneofCase.Refusal:
                var refusal = reply.Refusal;
                if (_lanes.Find(refusal.LogId, refusal.SegmentId) is { } refused)
                    refused.Sink.OnRefusal(refused, connection.Identify(refusal.Replica), refusal);
                break;
        }
    }

    private static string Describe(Exception error) => error is RpcException rpc ? rpc.Status.Detail : error.Message;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static partial class Log
    {
        [LoggerMessage(3401, LogLevel.Information, "Connected to replica {Replica}")]
        public static partial void Connected(ILogger logger, ReplicaId replica);

        [LoggerMessage(3403, LogLevel.Debug, "No stream to {NodeId}: {Reason}")]
        public static partial void NotConnected(ILogger logger, string nodeId, string reason);

        [LoggerMessage(3402, LogLevel.Information, "The stream to {NodeId} ended: {Reason}")]
        public static partial void Broken(ILogger logger, string nodeId, string reason);
    }
}
