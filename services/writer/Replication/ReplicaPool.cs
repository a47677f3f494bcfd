using Woodpecker.Protocol.Transport;
using Woodpecker.Quorum;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Replication;

/// <summary>
/// The replica nodes as this process sees them: one stream each, the choice of ensembles (W11), and the tick that lets
/// time decide about members.
/// </summary>
/// <remarks>Threads: any.</remarks>
internal sealed class ReplicaPool : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ReplicaStream> _streams = new(StringComparer.Ordinal);
    private readonly HashSet<QuorumSink> _sinks = [];
    private readonly NodeTransactions _nodes;
    private readonly IPeerChannels _channels;
    private readonly ReplicationSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Guid _clusterId;
    private readonly string _writerId;
    private readonly ITimer _ticker;
    private volatile bool _holdsInMemory;
    private readonly CancellationTokenSource _stop = new();
    private readonly NodeBoard _board;
    private Task _reading = Task.CompletedTask;

    public ReplicaPool(
        Guid clusterId,
        string writerId,
        NodeTransactions nodes,
        IPeerChannels channels,
        ReplicationSettings settings,
        TimeProvider time,
        ILogger logger)
    {
        (_clusterId, _writerId, _nodes, _channels, _settings, _time, _logger) =
            (clusterId, writerId, nodes, channels, settings, time, logger);
        _board = new NodeBoard(time, settings.PoorMemory);
        _ticker = time.CreateTimer(static state => ((ReplicaPool)state!).Tick(), this, settings.Tick, settings.Tick);
    }

    /// <summary>Whether a registered replica keeps its journal in memory, as of the last choice of an ensemble.</summary>
    public bool HoldsInMemory => _holdsInMemory;

    /// <summary>
    /// Connects to the registered nodes ahead of the first segment, which then waits for nothing: a writer that takes
    /// logs over from one that stops has its streams by then. Nodes that do not answer are given up for now after a moment.
    /// </summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        _reading = ReadAgainAsync();
        await _reading;
        var started = _time.GetTimestamp();
        while (_board.ListWorking().Any(nodeId => !GetStream(nodeId).IsConnected)
            && _time.GetElapsedTime(started) < _settings.ConnectWait)
        {
            await Task.Delay(_settings.FirstPause, _time, cancellationToken);
        }
    }

    /// <summary>The stream to a node, made on first use.</summary>
    public ReplicaStream GetStream(string nodeId)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue(nodeId, out var stream))
            {
                stream = new ReplicaStream(nodeId, _clusterId, _writerId, _channels, _settings, _time, _logger);
                _streams.Add(nodeId, stream);
            }

            return stream;
        }
    }

    public void Register(QuorumSink sink)
    {
        lock (_gate)
            _sinks.Add(sink);
    }

    public void Unregister(QuorumSink sink)
    {
        lock (_gate)
            _sinks.Remove(sink);
    }

    /// <summary>Whether the node gives its copies away and takes no new segment (Z3).</summary>
    public bool IsDraining(string nodeId) => _board.IsDraining(nodeId);

    /// <summary>A member could not keep up or did not answer: others are preferred for a while.</summary>
    public void OnPoor(string nodeId) => _board.MarkPoor(nodeId);

    /// <summary>Whether a node that works could take the place of a member that does not (section 10).</summary>
    public bool HasSpare(IReadOnlyList<ReplicaId> members)
    {
        foreach (var nodeId in _board.ListWorking())
        {
            if (GetStream(nodeId).IsConnected && !members.Any(member => member.NodeId == nodeId))
                return true;
        }

        return false;
    }

    /// <summary>Whether enough of these members for a takeover and for appends are connected.</summary>
    public bool CanReach(IReadOnlyList<ReplicaId> members)
    {
        lock (_gate)
        {
            return members.Count(m => _streams.TryGetValue(m.NodeId, out var stream) && stream.IsConnected)
                >= _settings.Quorum.AckQuorum;
        }
    }

    /// <summary>Whether a segment without the draining nodes could have a quorum.</summary>
    public bool CanSpareDraining() =>
        _board.ListWorking().Count(nodeId => GetStream(nodeId).IsConnected) >= _settings.Quorum.AckQuorum;

    public IEnsemble OpenEnsemble(SegmentKey segment, IReadOnlyList<ReplicaId> members) =>
        new RemoteEnsemble(segment, members, _clusterId, _channels);

    /// <summary>Chooses the members of a segment among the registered nodes that answer.</summary>
    /// <exception cref="WoodpeckerException">Unavailable (QuorumUnavailable).</exception>
    public async ValueTask<IReadOnlyList<ReplicaId>> ChooseAsync(
        SegmentKey segment, CancellationToken cancellationToken)
    {
        var nodes = await ReadNodesAsync(cancellationToken);
        var active = nodes.Count(static n => n.Node.State == NodeState.Active);
        foreach (var (nodeId, _) in nodes)
            GetStream(nodeId).Want();
        var started = _time.GetTimestamp();
        while (true)
        {
            var candidates = Candidates(nodes);
            var reachable = candidates.Count(static c => c.IsReachable);
            var waited = _time.GetElapsedTime(started);
            // All there: choose. Enough there: give the rest a moment. Too few: wait to the limit.
            var isEnough = reachable == active
                || (reachable >= _settings.Quorum.AckQuorum && waited >= _settings.ConnectWait / 8)
                || waited >= _settings.ConnectWait;
            if (isEnough)
            {
                var rotation = segment.Segment.Value + segment.Log.Value;
                if (EnsembleSelector.TryChoose(_settings.Quorum, Preferred(candidates), rotation, out var members))
                    return members;
                if (waited >= _settings.ConnectWait || candidates.Length < _settings.Quorum.Members)
                    throw Unavailable(candidates);
            }

            await Task.Delay(_settings.FirstPause, _time, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ticker.DisposeAsync();
        await _stop.CancelAsync();
        await _reading;
        List<ReplicaStream> streams;
        lock (_gate)
            streams = [.. _streams.Values];
        foreach (var stream in streams)
            await stream.DisposeAsync();
        _stop.Dispose();
    }

    private async ValueTask<IReadOnlyList<(string NodeId, NodeValue Node)>> ReadNodesAsync(
        CancellationToken cancellationToken)
    {
        try
        {
            var listed = await _nodes.ListAsync(cancellationToken);
            _holdsInMemory = listed.Any(static n => n.Node.Value.IsMemory == true);
            IReadOnlyList<(string NodeId, NodeValue Node)> nodes =
                [.. listed.Select(static n => (n.NodeId, n.Node.Value))];
            _board.Take(nodes);
            return nodes;
        }
        catch (MetadataException e)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"The replica nodes cannot be read: {e.Message}", e);
        }
    }

    // A node that did badly a moment ago is passed over while enough others work.
    private EnsembleCandidate[] Preferred(EnsembleCandidate[] candidates)
    {
        var preferred = Array.ConvertAll(
            candidates, c => c with { IsReachable = c.IsReachable && !_board.IsPoor(c.Replica.NodeId) });
        return preferred.Count(static c => c.IsReachable) >= _settings.Quorum.Members ? preferred : candidates;
    }

    // A connected store knows its own identity better than the registry, which may lag behind a restart. A draining
    // node is as good as absent: named where there is no other, and given nothing (W11, Z3).
    private EnsembleCandidate[] Candidates(IReadOnlyList<(string NodeId, NodeValue Node)> nodes)
    {
        var candidates = new EnsembleCandidate[nodes.Count];
        for (var i = 0; i < candidates.Length; i++)
        {
            var (nodeId, node) = nodes[i];
            var identity = GetStream(nodeId).Identity;
            candidates[i] = new EnsembleCandidate(
                identity ?? new ReplicaId(nodeId, node.Incarnation, node.Generation),
                node.Zone,
                node.PendingBytes ?? 0,
                IsReachable: identity is not null && node.State == NodeState.Active);
        }

        return candidates;
    }

    private WoodpeckerException Unavailable(EnsembleCandidate[] candidates)
    {
        var listed = string.Join(", ", candidates.Select(
            static c => c.Replica.NodeId + (c.IsReachable ? " ok" : " not connected")));
        return new WoodpeckerException(
            ErrorKind.Unavailable,
            $"A segment needs {_settings.Quorum.Members} registered replicas of which {_settings.Quorum.AckQuorum} "
            + $"answer; there are {candidates.Length} ({listed}). Nothing was appended.")
        {
            Reason = "QuorumUnavailable",
            RetryAfter = TimeSpan.FromSeconds(1),
        };
    }

    private void Tick()
    {
        List<QuorumSink> sinks;
        List<ReplicaStream> streams;
        lock (_gate)
        {
            sinks = [.. _sinks];
            streams = [.. _streams.Values];
        }

        if (sinks.Count > 0 && _reading.IsCompleted && _board.IsOld(_settings.NodesPeriod))
            _reading = ReadAgainAsync();
        foreach (var sink in sinks)
            sink.Tick();
        foreach (var stream in streams)
            stream.BreakIfStuck();
    }

    // Spare nodes are connected before they are needed, and what operators say of nodes is heard in time.
    private async Task ReadAgainAsync()
    {
        await Task.Yield();
        try
        {
            foreach (var (nodeId, _) in await ReadNodesAsync(_stop.Token))
                GetStream(nodeId).Want();
        }
        catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
        {
            // What was read last holds on; the next tick tries again.
            _board.PutOff();
        }
    }
}
