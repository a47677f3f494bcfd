using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;

namespace Woodpecker.Writer.Replication;

/// <summary>One live stream: who answers, and since when an answer is owed.</summary>
/// <remarks>Threads: the writing and the reading side of the stream, and the ticker.</remarks>
internal sealed class ReplicaConnection(ReplicaIdentity replica, CancellationTokenSource broken, TimeProvider time)
{
    private const long Nothing = 0;

    private volatile Identified _identified = new(replica, IdentityMapping.ToReplicaId(replica));
    private long _owedSince;

    /// <summary>
    /// The store at the node, as its last answer named it: a generation may rise while the stream lives (R10).
    /// </summary>
    public ReplicaId Replica => _identified.Replica;

    /// <summary>Who sent an answer; the usual one costs nothing to know.</summary>
    /// <exception cref="WoodpeckerException">Invalid: the answer does not say who sent it.</exception>
    // hot path: no allocation per acknowledgement
    public ReplicaId Identify(ReplicaIdentity? sender)
    {
        if (sender is null)
            return IdentityMapping.ToReplicaId(sender);
        var known = _identified;
        if (sender.Generation != known.Wire.Generation
            || !sender.Incarnation.Span.SequenceEqual(known.Wire.Incarnation.Span)
            || sender.NodeId != known.Wire.NodeId)
        {
            _identified = known = new Identified(sender, IdentityMapping.ToReplicaId(sender));
        }

        return known.Replica;
    }

    /// <summary>A message goes out; if it demands an answer, the wait begins now unless it began earlier.</summary>
    public void OnSending(bool owesAnswer)
    {
        if (owesAnswer)
            Interlocked.CompareExchange(ref _owedSince, time.GetTimestamp(), Nothing);
    }

    /// <summary>Any answer shows that the stream moves.</summary>
    public void OnAnswer() => Volatile.Write(ref _owedSince, Nothing);

    /// <summary>Whether an answer is owed for longer than this.</summary>
    public bool IsStuck(TimeSpan limit)
    {
        var since = Volatile.Read(ref _owedSince);
        return since != Nothing && time.GetElapsedTime(since) > limit;
    }

    /// <summary>Ends the stream.</summary>
    public void Break()
    {
        try
        {
            broken.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in this moment.
        }
    }

    private sealed record Identified(ReplicaIdentity Wire, ReplicaId Replica);
}
