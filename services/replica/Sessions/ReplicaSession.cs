using Grpc.Core;
using Woodpecker.Format.Entries;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Replicas;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica.Sessions;

/// <summary>
/// One writer process's stream: requests go to the store in the order of arrival without waiting for the disk (the store
/// makes the stream wait when its journal is behind); cumulative acks leave as they gather.
/// </summary>
/// <remarks>Threads: one loop takes requests, one sends replies.</remarks>
internal sealed class ReplicaSession
{
    private readonly ReplicaNode _node;
    private readonly ReplicaStore _store;
    private readonly ReplicaIdentity _self;
    private readonly AckBoard _board;
    private readonly IAsyncStreamReader<SessionRequest> _requests;
    private readonly IServerStreamWriter<SessionReply> _replies;

    public ReplicaSession(
        ReplicaNode node, IAsyncStreamReader<SessionRequest> requests, IServerStreamWriter<SessionReply> replies)
    {
        (_node, _store, _requests, _replies) = (node, node.Store, requests, replies);
        _self = IdentityMapping.ToWire(_store.Self);
        _board = new AckBoard(_self);
    }

    /// <summary>Serves the stream until the writer closes it or either side fails.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!await GreetAsync(cancellationToken))
            return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var taking = EndWithAsync(TakeAllAsync(stop.Token), stop);
            var sending = EndWithAsync(SendAsync(stop.Token), stop);
            await Task.WhenAll(taking, sending);
        }
        finally
        {
            _store.Unsubscribe(_board);
        }
    }

    // Either loop's failure ends the other one, which may wait for it.
    private static async Task EndWithAsync(Task loop, CancellationTokenSource stop)
    {
        try
        {
            await loop;
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private async Task<bool> GreetAsync(CancellationToken cancellationToken)
    {
        if (!await _requests.MoveNext(cancellationToken))
            return false;
        var hello = _requests.Current.Hello
            ?? throw new WoodpeckerException(ErrorKind.Invalid, "The first request of a session is Hello.");
        if (IdentityMapping.ToGuid(hello.ClusterId, "cluster_id") != _node.ClusterId || hello.TargetNodeId != _node.NodeId)
        {
            var refusal = ReplicaRefusal.Of(
                ReplicaRefusalKind.WrongReplica, $"this is {_node.NodeId} of cluster {_node.ClusterId:N}");
            await _replies.WriteAsync(Refuse(refusal, default), cancellationToken);
            return false;
        }

        if (hello.MinFormat > SupportedFormats.Max || hello.MaxFormat < SupportedFormats.Min)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"The writer speaks formats {hello.MinFormat}-{hello.MaxFormat}, this replica {SupportedFormats.Min}-{SupportedFormats.Max}.");
        }

        var reply = new HelloReply { Replica = _self, MinFormat = SupportedFormats.Min, MaxFormat = SupportedFormats.Max };
        foreach (var segment in hello.Segments)
        {
            var copy = _store.Find(ReplicaMapping.ToKey(segment.LogId, segment.SegmentId));
            reply.Segments.Add(new SegmentStatus
            {
                LogId = segment.LogId,
                SegmentId = segment.SegmentId,
                Promised = _store.Promised(new LogId(segment.LogId)).Value,
                Known = copy is not null,
                DurableLast = (copy?.DurableEntry ?? EntryId.None).Value,
            });
        }

        await _replies.WriteAsync(new SessionReply { Hello = reply }, cancellationToken);
        return true;
    }

    private async Task TakeAllAsync(CancellationToken stop)
    {
        while (await _requests.MoveNext(stop))
        {
            var request = _requests.Current;
            var refusal = request.KindCase switch
            {
                SessionRequest.KindOneofCase.Append => await AppendAsync(request.Append, stop),
                SessionRequest.KindOneofCase.SegmentOpen => await OpenAsync(request.SegmentOpen, stop),
                SessionRequest.KindOneofCase.Lac => await ConfirmAsync(request.Lac, stop),
                _ => throw new WoodpeckerException(ErrorKind.Invalid, $"A session takes no {request.KindCase} here."),
            };
            if (refusal is not null)
                await _board.AnswerAsync(refusal, stop);
        }

        _board.Close();
    }

    // hot path: no allocation per entry
    private async ValueTask<SessionReply?> AppendAsync(AppendFrame append, CancellationToken stop)
    {
        var key = ReplicaMapping.ToKey(append.LogId, append.SegmentId);
        var span = ReplicaTracing.StartAppend(append.TraceParent, _node.NodeId, append.Frame.Length);
        if (span is not null && FrameHeader.Read(append.Frame.Span, out var header).IsOk)
            _board.Watch(key, header.FirstEntry + (header.Count - 1), span);
        var refusal = await _store.AppendAsync(key, new LogEpoch(append.Epoch), append.Frame.Memory, _board, stop);
        return refusal is { } why ? Refuse(why, key) : null;
    }

    private async ValueTask<SessionReply?> OpenAsync(SegmentOpen open, CancellationToken stop)
    {
        var key = ReplicaMapping.ToKey(open.LogId, open.SegmentId);
        var target = IdentityMapping.ToReplicaId(open.Target);
        if (!target.IsSameStore(_store.Self))
            return Refuse(ReplicaRefusal.Of(ReplicaRefusalKind.WrongReplica, $"this is {_store.Self}"), key);
        if (_node.IsDraining && _store.Find(key) is null)
            return Refuse(ReplicaRefusal.Of(ReplicaRefusalKind.Unavailable, "the replica is stopping"), key);
        var refusal = await _store.OpenSegmentAsync(key, new LogEpoch(open.Epoch), open.Header.Memory, _board, stop);
        return refusal is { } why ? Refuse(why, key) : null;
    }

    private ValueTask<SessionReply?> ConfirmAsync(Lac lac, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var key = ReplicaMapping.ToKey(lac.LogId, lac.SegmentId);
        if (ReplicaMapping.CheckEntry("lac", lac.Lac_, -1) is { } wrong)
            return ValueTask.FromResult<SessionReply?>(Refuse(wrong, key));
        var confirmed = _store.Confirm(key, new LogEpoch(lac.Epoch), new EntryId(lac.Lac_));
        return ValueTask.FromResult<SessionReply?>(new SessionReply
        {
            LacAck = new LacAck { LogId = lac.LogId, SegmentId = lac.SegmentId, Lac = confirmed.Value },
        });
    }

    private async Task SendAsync(CancellationToken stop)
    {
        var replies = new List<SessionReply>();
        bool isOpen;
        do
        {
            isOpen = await _board.WaitAsync(stop);
            _board.TakeAll(replies);
            foreach (var reply in replies)
                await _replies.WriteAsync(reply, stop);
            replies.Clear();
        }
        while (isOpen);
    }

    private SessionReply Refuse(in ReplicaRefusal refusal, SegmentKey key) =>
        new() { Refusal = ReplicaMapping.ToWire(refusal, _self, key) };
}
