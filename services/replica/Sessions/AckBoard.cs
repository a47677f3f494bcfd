using System.Diagnostics;
using System.Threading.Channels;
using Woodpecker.Protocol.Replica;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Replica.Sessions;

/// <summary>
/// What one session has to say: the newest durable entry per segment, and answers in between. The journal's thread only
/// notes a number here; the session's loop sends what has gathered.
/// </summary>
/// <remarks>Threads: any may note, one takes. Bounds: one number per segment; answers wait for the stream.</remarks>
internal sealed class AckBoard(ReplicaIdentity self) : IReplicaAckSink
{
    private const int MaxAnswers = 1_024;

    private readonly Lock _lock = new();
    private readonly Dictionary<SegmentKey, Ack> _acks = [];
    private readonly List<(SegmentKey Segment, EntryId Last, Activity Span)> _spans = [];
    private readonly Channel<SessionReply> _answers = Channel.CreateBounded<SessionReply>(
        new BoundedChannelOptions(MaxAnswers) { SingleReader = true });

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <inheritdoc/>
    public void OnDurable(SegmentKey segment, LogEpoch epoch, EntryId durableEntry)
    {
        lock (_lock)
        {
            if (_acks.TryGetValue(segment, out var ack) && ack.Epoch == epoch.Value)
            {
                ack.DurableUpTo = Math.Max(ack.DurableUpTo, durableEntry.Value);
            }
            else
            {
                _acks[segment] = new Ack
                {
                    Replica = self,
                    LogId = segment.Log.Value,
                    SegmentId = segment.Segment.Value,
                    Epoch = epoch.Value,
                    DurableUpTo = durableEntry.Value,
                };
            }

            EndSpans(segment, durableEntry);
        }

        _wake.Writer.TryWrite(true);
    }

    /// <summary>Keeps the span of a traced frame open until its last entry is durable.</summary>
    public void Watch(SegmentKey segment, EntryId last, Activity span)
    {
        lock (_lock)
            _spans.Add((segment, last, span));
    }

    /// <summary>An answer that waits for nothing.</summary>
    public async ValueTask AnswerAsync(SessionReply answer, CancellationToken cancellationToken)
    {
        await _answers.Writer.WriteAsync(answer, cancellationToken);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>No more requests come: the taker ends once everything was taken.</summary>
    public void Close() => _wake.Writer.TryComplete();

    /// <summary>Waits until there is something to say; false once closed.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _wake.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>Takes everything that has gathered.</summary>
    public void TakeAll(List<SessionReply> replies)
    {
        _wake.Reader.TryRead(out _);
        while (_answers.Reader.TryRead(out var answer))
            replies.Add(answer);
        lock (_lock)
        {
            foreach (var ack in _acks.Values)
                replies.Add(new SessionReply { Ack = ack });
            _acks.Clear();
        }
    }

    private void EndSpans(SegmentKey segment, EntryId durable)
    {
        for (var i = _spans.Count - 1; i >= 0; i--)
        {
            if (_spans[i].Segment != segment || _spans[i].Last > durable)
                continue;
            _spans[i].Span.Dispose();
            _spans.RemoveAt(i);
        }
    }
}
