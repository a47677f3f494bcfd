using Woodpecker.Protocol.Control;
using Woodpecker.Quorum;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Writer.Control;

/// <summary>Shows the replica nodes and takes them out of service and back (Z3).</summary>
/// <remarks>
/// Draining writes the node's state; the owners of open segments roll away from it, its members upload what is sealed,
/// and it lets its copies go. Nothing here waits for that.
/// </remarks>
internal sealed class NodeDirectory(NodeTransactions nodes, NodeInquiry inquiry)
{
    /// <summary>All registered nodes.</summary>
    public async ValueTask<NodeList> ListAsync(CancellationToken cancellationToken)
    {
        var registered = await nodes.ListAsync(cancellationToken);
        var described = await Task.WhenAll(
            registered.Select(n => DescribeAsync(n.NodeId, n.Node.Value, cancellationToken)));
        return new NodeList { Nodes = described };
    }

    /// <summary>Takes no new segments to the node from now on; repeating it only shows how far it got.</summary>
    /// <exception cref="WoodpeckerException">NotFound; Conflict (TooFewNodes): the others could not confirm appends.</exception>
    public async ValueTask<NodeChange> DrainAsync(string nodeId, CancellationToken cancellationToken)
    {
        var others = await CountOthersAsync(nodeId, cancellationToken);
        Demand(nodeId, others);
        var value = await nodes.SetStateAsync(nodeId, NodeState.Draining, cancellationToken) ?? throw Unknown(nodeId);
        // Two drains at once may each have counted on the other's node.
        others = await CountOthersAsync(nodeId, cancellationToken);
        if (others < QuorumSpec.Default.AckQuorum)
        {
            await nodes.SetStateAsync(nodeId, NodeState.Active, cancellationToken);
            Demand(nodeId, others);
        }

        return new NodeChange
        {
            Node = await DescribeAsync(nodeId, value, cancellationToken),
            Warning = others >= QuorumSpec.Default.Members ? null
                : $"Only {others} other nodes take new segments: entries have {others} copies until {nodeId} is resumed, "
                + "and appends stop if one more node fails.",
        };
    }

    /// <summary>The node takes new segments again.</summary>
    public async ValueTask<NodeChange> ResumeAsync(string nodeId, CancellationToken cancellationToken)
    {
        var value = await nodes.SetStateAsync(nodeId, NodeState.Active, cancellationToken) ?? throw Unknown(nodeId);
        return new NodeChange { Node = await DescribeAsync(nodeId, value, cancellationToken) };
    }

    private async ValueTask<int> CountOthersAsync(string nodeId, CancellationToken cancellationToken)
    {
        var registered = await nodes.ListAsync(cancellationToken);
        if (!registered.Any(n => n.NodeId == nodeId))
            throw Unknown(nodeId);
        return registered.Count(n => n.NodeId != nodeId && n.Node.Value.State == NodeState.Active);
    }

    private async Task<NodeDescription> DescribeAsync(
        string nodeId, NodeValue node, CancellationToken cancellationToken)
    {
        var (status, problem) = await inquiry.AskAsync(nodeId, cancellationToken);
        var described = new NodeDescription
        {
            NodeId = nodeId,
            Incarnation = status?.Incarnation ?? node.Incarnation,
            Generation = status?.Generation ?? node.Generation,
            Zone = node.Zone,
            State = node.State.ToString(),
            Health = "unreachable",
            Detail = problem,
        };
        if (status is null)
            return described;
        var isEmpty = status.Segments.Count == 0;
        var impaired = status.Segments.Count(static c => c.IsDamaged || c.IsPoisoned);
        var sealedCopies = status.Segments.Where(static c => c.SealedEntry is not null).ToList();
        return described with
        {
            State = node.State == NodeState.Draining && isEmpty ? "Drained" : described.State,
            Health = impaired == 0 ? "healthy" : "impaired",
            Detail = impaired == 0 ? null : $"{impaired} copies are damaged or contradict others",
            OpenSegments = status.Segments.Count - sealedCopies.Count,
            SealedSegments = sealedCopies.Count,
            HeldBytes = status.Segments.Sum(static c => c.Bytes),
            PendingBytes = sealedCopies.Sum(static c => c.Bytes),
        };
    }

    private static void Demand(string nodeId, int others)
    {
        if (others >= QuorumSpec.Default.AckQuorum)
            return;
        throw new WoodpeckerException(
            ErrorKind.Conflict,
            $"{nodeId} cannot be drained: {others} other nodes take new segments, and appends need "
            + $"{QuorumSpec.Default.AckQuorum}. Add a node or resume another one first.")
        {
            Reason = "TooFewNodes",
        };
    }

    private static WoodpeckerException Unknown(string nodeId) =>
        new(ErrorKind.NotFound, $"There is no replica node '{nodeId}'; wp node list shows them.") { Reason = "UnknownNode" };
}
