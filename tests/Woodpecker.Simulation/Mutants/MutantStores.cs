using Woodpecker.Storage.Metadata;

namespace Woodpecker.Simulation.Mutants;

/// <summary>Leaves compares out of transactions.</summary>
/// <param name="inner">The store.</param>
/// <param name="forgets">Whether a transaction is sent without this compare.</param>
internal sealed class ForgetfulStore(IMetadataStore inner, Func<MetadataTransaction, MetadataCompare, bool> forgets)
    : PassingStore(inner)
{
    public override ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        var less = new MetadataTransaction();
        foreach (var compare in transaction.Compares)
        {
            if (forgets(transaction, compare))
                continue;
            if (compare.Target == MetadataCompareTarget.ModRevision)
                less.WhenModRevision(compare.Key, compare.Revision);
            else if (compare.IsEqual)
                less.WhenCreateRevision(compare.Key, compare.Revision);
            else
                less.WhenCreateRevisionIsNot(compare.Key, compare.Revision);
        }

        foreach (var write in transaction.Writes)
        {
            if (write.IsDelete)
                less.Delete(write.Key);
            else
                less.Put(write.Key, write.Value, write.LeaseId);
        }

        return Inner.CommitAsync(less, cancellationToken);
    }
}

/// <summary>Takes a roll for done when it is sent.</summary>
internal sealed class HastyStore(IMetadataStore inner) : PassingStore(inner)
{
    private long _revision = 1;

    public override async ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        var commit = Inner.CommitAsync(transaction, cancellationToken).AsTask();
        if (transaction.Writes.Count(static w => !w.IsDelete && w.Key.Contains("/seg/", StringComparison.Ordinal)) == 2)
        {
            _ = commit.ContinueWith(
                static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return new MetadataCommit(true, _revision + 1, []);
        }

        var result = await commit;
        _revision = Math.Max(_revision, result.Revision);
        return result;
    }
}

/// <summary>Renews no lease: a put with the lease is thought to do it (X10).</summary>
internal sealed class IdleLeases(ILeaseStore inner) : ILeaseStore
{
    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) =>
        inner.GrantLeaseAsync(timeToLive, cancellationToken);

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken) => ValueTask.FromResult(true);

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) =>
        inner.RevokeLeaseAsync(leaseId, cancellationToken);
}

/// <summary>Hands everything on.</summary>
internal abstract class PassingStore(IMetadataStore inner) : IMetadataStore
{
    protected IMetadataStore Inner { get; } = inner;

    public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) => Inner.GetAsync(key, cancellationToken);

    public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) =>
        Inner.ListAsync(prefix, cancellationToken);

    public IAsyncEnumerable<MetadataChange> WatchAsync(string prefix, long afterRevision, CancellationToken cancellationToken) =>
        Inner.WatchAsync(prefix, afterRevision, cancellationToken);

    public abstract ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken);
}
