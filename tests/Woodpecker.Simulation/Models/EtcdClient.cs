using System.Runtime.CompilerServices;
using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Simulation.Models;

/// <summary>etcd as one life of a node reaches it: over a network that is slow, loses requests and loses answers.</summary>
internal sealed class EtcdClient(Simulator sim, EtcdModel etcd, Faults faults, Life life, Func<bool> isCut) : IMetadataStore, ILeaseStore
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    private readonly SimRandom _random = sim.Random.Fork();

    public async ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) =>
        await ReadAsync("etcd-get", revision => etcd.Get(key, revision), cancellationToken);

    public async ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckPrefix(prefix);
        return await ReadAsync("etcd-list", revision => etcd.List(prefix, revision), cancellationToken);
    }

    public async ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        MetadataTransactionRules.Check(transaction);
        return await CallAsync("etcd-txn", () => etcd.Commit(transaction, life.Name), isWrite: true, cancellationToken);
    }

    public async IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watch = new EtcdWatch(sim, life, prefix, afterRevision);
        var isOpen = await CallAsync("etcd-watch", () => { etcd.Add(watch); return true; }, isWrite: false, cancellationToken);
        if (!isOpen)
            yield break;
        try
        {
            await foreach (var change in watch.ReadAsync(cancellationToken))
                yield return change;
        }
        finally
        {
            etcd.Remove(watch);
        }
    }

    public async ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) =>
        await CallAsync("etcd-grant", () => etcd.Grant(timeToLive), isWrite: false, cancellationToken);

    public async ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken) =>
        await CallAsync("etcd-keepalive", () => etcd.KeepAlive(leaseId), isWrite: false, cancellationToken);

    public async ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) =>
        await CallAsync("etcd-revoke", () => { etcd.Revoke(leaseId, life.Name); return true; }, isWrite: false, cancellationToken);

    // X1: even a read that asks to be linearizable may be stale.
    private Task<T> ReadAsync<T>(string kind, Func<long, T> read, CancellationToken cancellationToken)
    {
        var lag = _random.Chance(faults.EtcdStaleRead) ? 1 + _random.Next(6) : 0;
        return CallAsync(kind, () => read(Math.Max(1, etcd.Revision - lag)), isWrite: false, cancellationToken);
    }

    private Task<T> CallAsync<T>(string kind, Func<T> execute, bool isWrite, CancellationToken cancellationToken)
    {
        var isAway = etcd.IsDown || isCut();
        if (_random.Chance(faults.EtcdRefuse) || (isAway && _random.Chance(0.3)))
        {
            return RemoteCall.SendAsync<T>(
                sim, life, kind + "-refused", TimeSpan.Zero, null, null, _random.Between(0.2, 20),
                () => new MetadataException(MetadataErrorKind.Unavailable, "Simulated: the connection was refused."),
                cancellationToken);
        }

        var slow = _random.Chance(faults.EtcdSlow) ? _random.Between(100, 6_000) : TimeSpan.Zero;
        var isLost = isAway || _random.Chance(faults.EtcdLoseRequest);
        var back = _random.Chance(faults.EtcdLoseAnswer) ? (TimeSpan?)null : _random.Between(0.2, 2);
        var failure = isWrite ? MetadataErrorKind.Unknown : MetadataErrorKind.Unavailable;
        Exception Failed() => new MetadataException(failure, "Simulated: etcd did not answer.");
        return RemoteCall.SendAsync<T>(
            sim,
            life,
            kind,
            _random.Between(0.2, 2) + slow,
            back,
            isLost ? null : () => etcd.IsDown ? throw new MetadataException(failure, "Simulated: no leader.") : execute(),
            _timeout,
            Failed,
            cancellationToken,
            isWrite ? Failed : null);
    }
}
