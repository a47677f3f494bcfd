namespace Woodpecker.Storage.Metadata;

/// <summary>Leases: keys put with one vanish when nobody keeps it alive. Expiry is a hint for liveness, never proof (X9).</summary>
public interface ILeaseStore
{
    /// <summary>Grants a lease. The store may raise a very small time to live.</summary>
    ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken);

    /// <summary>Renews the lease once.</summary>
    /// <returns>False if the lease no longer exists.</returns>
    ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken);

    /// <summary>Ends the lease and deletes its keys; ending an unknown lease succeeds.</summary>
    ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken);
}
