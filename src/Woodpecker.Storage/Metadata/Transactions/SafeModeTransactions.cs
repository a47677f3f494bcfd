using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>EnterSafeMode, ClaimRestore, EndSafeMode: the cluster key while metadata is known to be older than what it was (section 13).</summary>
/// <remarks>Threads: any. Errors: <see cref="MetadataException"/>.</remarks>
public sealed class SafeModeTransactions(TransactionRunner runner)
{
    private const int PutsAtOnce = 32;

    /// <summary>Reads the cluster key; null if it is absent.</summary>
    public async ValueTask<Versioned<ClusterValue>?> ReadAsync(CancellationToken cancellationToken)
    {
        var cluster = await runner.ReadAsync<ClusterValue>(MetadataKeys.Cluster, cancellationToken);
        if (cluster is not null)
            runner.Guard.Learn(cluster);
        return cluster;
    }

    /// <summary>EnterSafeMode: writes down what this process noticed, and the highest revision that it remembers.</summary>
    /// <param name="clusterId">The cluster this process belongs to.</param>
    /// <param name="by">Who noticed.</param>
    /// <param name="suspicion">What; null only raises what is remembered.</param>
    /// <param name="cancellationToken">Stops it; repeating it is harmless.</param>
    /// <exception cref="WoodpeckerException">Internal: the metadata belong to another cluster.</exception>
    public async ValueTask EnterAsync(Guid clusterId, string by, Suspicion? suspicion, CancellationToken cancellationToken)
    {
        while (true)
        {
            var current = await ReadAsync(cancellationToken);
            if (current is not null && current.Value.ClusterId != clusterId)
                throw Foreign(clusterId, current.Value.ClusterId);
            var seen = Math.Max(runner.Guard.Remembered, current?.Value.SeenRevision ?? 0);
            var isSafe = current?.Value.SafeMode == true;
            if (isSafe ? current!.Value.SeenRevision >= seen : suspicion is null)
                return;
            var value = (current?.Value ?? new ClusterValue { ClusterId = clusterId }) with { Nonce = runner.NewNonce(), SeenRevision = seen };
            if (!isSafe)
            {
                value = value with
                {
                    SafeMode = true,
                    SafeModeReason = suspicion!.Proof,
                    SafeModeBy = by,
                    SafeModeAt = runner.NowMicroseconds,
                    SafeModeRevision = suspicion.Revision,
                };
            }

            var result = await runner.RunAsync<ClusterValue>(
                new MetadataTransaction()
                    .WhenModRevision(MetadataKeys.Cluster, current?.ModRevision ?? 0)
                    .Put(MetadataKeys.Cluster, MetadataJson.Write(value)),
                MetadataKeys.Cluster, value.Nonce, cancellationToken);
            if (!result.Landed)
                continue;
            runner.Guard.Learn(new Versioned<ClusterValue>(MetadataKeys.Cluster, value, current?.CreateRevision ?? result.Revision, result.Revision));
            return;
        }
    }

    /// <summary>ClaimRestore: makes the cluster key this acceptance's own; every write of it compares its revision.</summary>
    /// <returns>The key; null if it changed meanwhile.</returns>
    public ValueTask<Versioned<ClusterValue>?> ClaimAsync(Versioned<ClusterValue> cluster, CancellationToken cancellationToken)
    {
        Invariant.Check(cluster.Value.SafeMode == true, "section 13: only what is in safe mode is restored");
        return RewriteAsync(cluster, cluster.Value, audit: null, cancellationToken);
    }

    /// <summary>EndSafeMode: the cluster works again; the decision is kept for ever.</summary>
    /// <returns>The key; null if it changed meanwhile.</returns>
    public ValueTask<Versioned<ClusterValue>?> EndAsync(
        Versioned<ClusterValue> cluster, AuditValue audit, CancellationToken cancellationToken)
    {
        Invariant.Check(cluster.Value.SafeMode == true, "section 13: safe mode is ended once");
        var value = cluster.Value with
        {
            SafeMode = null,
            SafeModeReason = null,
            SafeModeBy = null,
            SafeModeAt = null,
            SafeModeRevision = null,
            SeenRevision = null,
        };
        return RewriteAsync(cluster, value, audit, cancellationToken);
    }

    /// <summary>
    /// Raises the revision above one: EpochRev and JobToken are revisions, and none may be handed out twice. One put is one
    /// revision, so this takes as many puts as revisions are missing.
    /// </summary>
    public async ValueTask RaiseRevisionAsync(long above, CancellationToken cancellationToken)
    {
        var revision = await PutMarkAsync(cancellationToken);
        while (revision <= above)
        {
            var count = (int)Math.Min(PutsAtOnce, above + 1 - revision);
            var revisions = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => PutMarkAsync(cancellationToken)));
            revision = revisions.Max();
        }
    }

    private async Task<long> PutMarkAsync(CancellationToken cancellationToken)
    {
        var nonce = runner.NewNonce();
        var result = await runner.RunAsync<MarkValue>(
            new MetadataTransaction().Put(MetadataKeys.RevisionMark, MetadataJson.Write(new MarkValue { Nonce = nonce })),
            MetadataKeys.RevisionMark, nonce, cancellationToken);
        return result.Revision;
    }

    private async ValueTask<Versioned<ClusterValue>?> RewriteAsync(
        Versioned<ClusterValue> cluster, ClusterValue value, AuditValue? audit, CancellationToken cancellationToken)
    {
        var written = value with { Nonce = runner.NewNonce() };
        var transaction = new MetadataTransaction()
            .WhenModRevision(cluster.Key, cluster.ModRevision)
            .Put(cluster.Key, MetadataJson.Write(written));
        if (audit is not null)
        {
            var record = audit with { Nonce = written.Nonce, At = runner.NowMicroseconds };
            transaction.Put(MetadataKeys.Audit(record.At, record.Nonce), MetadataJson.Write(record));
        }

        var result = await runner.RunAsync<ClusterValue>(transaction, cluster.Key, written.Nonce, cancellationToken);
        if (!result.Landed)
            return null;
        var versioned = cluster with { Value = written, ModRevision = result.Revision };
        runner.Guard.Learn(versioned);
        return versioned;
    }

    private static WoodpeckerException Foreign(Guid own, Guid found) =>
        new(ErrorKind.Internal, $"The metadata belong to cluster {found:N}, but this process belongs to {own:N}; one of the connections is wrong.")
        {
            Reason = "WrongCluster",
        };
}
