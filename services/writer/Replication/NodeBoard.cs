using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Writer.Replication;

/// <summary>What is known of the replica nodes: their state as registered, and who did badly a moment ago.</summary>
/// <remarks>Threads: any. Bounded by the number of registered nodes.</remarks>
internal sealed class NodeBoard(TimeProvider time, TimeSpan poorMemory)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _poorSince = new(StringComparer.Ordinal);
    private Dictionary<string, NodeState> _nodes = new(StringComparer.Ordinal);
    private long? _readAt;

    /// <summary>The registry was read.</summary>
    public void Take(IReadOnlyList<(string NodeId, NodeValue Node)> nodes)
    {
        lock (_gate)
        {
            _nodes = nodes.ToDictionary(static n => n.NodeId, static n => n.Node.State, StringComparer.Ordinal);
            _readAt = time.GetTimestamp();
        }
    }

    /// <summary>The registry could not be read: not again before the period is over.</summary>
    public void PutOff()
    {
        lock (_gate)
            _readAt = time.GetTimestamp();
    }

    /// <summary>Whether the registry should be read again.</summary>
    public bool IsOld(TimeSpan period)
    {
        lock (_gate)
            return _readAt is not { } at || time.GetElapsedTime(at) >= period;
    }

    public bool IsDraining(string nodeId)
    {
        lock (_gate)
            return _nodes.GetValueOrDefault(nodeId) == NodeState.Draining;
    }

    public void MarkPoor(string nodeId)
    {
        lock (_gate)
            _poorSince[nodeId] = time.GetTimestamp();
    }

    public bool IsPoor(string nodeId)
    {
        lock (_gate)
            return _poorSince.TryGetValue(nodeId, out var since) && time.GetElapsedTime(since) < poorMemory;
    }

    /// <summary>Nodes that take new segments and did well.</summary>
    public List<string> ListWorking()
    {
        List<string> active;
        lock (_gate)
            active = [.. _nodes.Where(static n => n.Value == NodeState.Active).Select(static n => n.Key)];
        active.RemoveAll(IsPoor);
        return active;
    }
}
