using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>The cluster's identity and RegisterNode.</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class NodeTransactions(TransactionRunner runner)
{
    /// <summary>
    /// Reads the cluster's identity, or writes <paramref name="proposed"/> if the store is fresh. Whoever wins, all
    /// callers get the same answer.
    /// </summary>
    public async ValueTask<ClusterValue> EnsureClusterAsync(Guid proposed, CancellationToken cancellationToken)
    {
        while (true)
        {
            var current = await runner.ReadAsync<ClusterValue>(MetadataKeys.Cluster, cancellationToken);
            if (current is not null)
            {
                runner.Guard.Learn(current);
                return current.Value;
            }

            var nonce = runner.NewNonce();
            await runner.RunAsync<ClusterValue>(
                new MetadataTransaction()
                    .WhenAbsent(MetadataKeys.Cluster)
                    .Put(MetadataKeys.Cluster, MetadataJson.Write(new ClusterValue { Nonce = nonce, ClusterId = proposed })),
                MetadataKeys.Cluster,
                nonce,
                cancellationToken);
        }
    }

    /// <summary>All registered replica nodes, by node id.</summary>
    public async ValueTask<IReadOnlyList<(string NodeId, Versioned<NodeValue> Node)>> ListAsync(CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.NodePrefix, cancellationToken);
        return [.. listing.Entries.Select(static e =>
            (e.Key[MetadataKeys.NodePrefix.Length..], Versioned<NodeValue>.From(e)))];
    }

    /// <summary>
    /// RegisterNode: makes the store's incarnation and generation known before it serves (R10). A node's generation of
    /// the same incarnation never goes back.
    /// </summary>
    /// <returns>The registered value with its revision; a higher generation found there means that the caller's store is older than what it registered once.</returns>
    public async ValueTask<Versioned<NodeValue>> RegisterAsync(
        string nodeId, NodeValue node, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Node(nodeId);
        while (true)
        {
            var current = await runner.ReadAsync<NodeValue>(key, cancellationToken);
            if (current is not null && current.Value.Incarnation == node.Incarnation && current.Value.Generation > node.Generation)
                return current;
            var nonce = runner.NewNonce();
            var value = node with { Nonce = nonce, State = current?.Value.State ?? node.State, Unknown = current?.Value.Unknown };
            var result = await runner.RunAsync<NodeValue>(
                new MetadataTransaction()
                    .WhenModRevision(key, current?.ModRevision ?? 0)
                    .Put(key, MetadataJson.Write(value)),
                key,
                nonce,
                cancellationToken);
            if (result.Landed)
                return new Versioned<NodeValue>(key, value, current?.CreateRevision ?? result.Revision, result.Revision);
        }
    }

    /// <summary>Asks a node to take, or no longer take, new segments.</summary>
    /// <returns>Null if the node is not registered.</returns>
    public async ValueTask<NodeValue?> SetStateAsync(string nodeId, NodeState state, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.Node(nodeId);
        while (true)
        {
            var current = await runner.ReadAsync<NodeValue>(key, cancellationToken);
            if (current is null || current.Value.State == state)
                return current?.Value;
            var nonce = runner.NewNonce();
            var value = current.Value with { Nonce = nonce, State = state };
            var result = await runner.RunAsync<NodeValue>(
                new MetadataTransaction()
                    .WhenModRevision(key, current.ModRevision)
                    .Put(key, MetadataJson.Write(value)),
                key,
                nonce,
                cancellationToken);
            if (result.Landed)
                return value;
        }
    }
}
