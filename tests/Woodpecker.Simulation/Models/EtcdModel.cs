using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Simulation.Models;

/// <summary>One change of etcd's state, as the audit reads it.</summary>
internal sealed record EtcdChange(long Revision, string By, MetadataEntry? Before, string Key, MetadataEntry? After);

/// <summary>
/// etcd as its documentation describes it: ordered keys, one revision, compare-then-write, leases, watches, old revisions.
/// Every change is kept for the audit.
/// </summary>
internal sealed class EtcdModel(Simulator sim)
{
    private readonly SortedDictionary<string, List<(long Revision, MetadataEntry? Entry)>> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Lease> _leases = [];
    private readonly List<EtcdWatch> _watches = [];
    private long _nextLease = 7_000;

    public long Revision { get; private set; } = 1;

    public bool IsDown { get; set; }

    public List<EtcdChange> History { get; } = [];

    /// <summary>Called after every change, with its key and new value.</summary>
    public Action<EtcdChange>? OnChange { get; set; }

    public MetadataEntry? Get(string key, long revision) =>
        _keys.TryGetValue(key, out var versions) ? At(versions, revision) : null;

    public MetadataListing List(string prefix, long revision)
    {
        var entries = new List<MetadataEntry>();
        foreach (var (key, versions) in _keys)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && At(versions, revision) is { } entry)
                entries.Add(entry);
        }

        return new MetadataListing(entries, revision);
    }

    public MetadataCommit Commit(MetadataTransaction transaction, string by)
    {
        foreach (var compare in transaction.Compares)
        {
            var entry = Get(compare.Key, Revision);
            var value = compare.Target == MetadataCompareTarget.ModRevision ? entry?.ModRevision ?? 0 : entry?.CreateRevision ?? 0;
            if (value == compare.Revision == compare.IsEqual)
                continue;
            var current = new List<MetadataEntry>();
            foreach (var key in transaction.Compares.Select(static c => c.Key).Distinct())
            {
                if (Get(key, Revision) is { } found)
                    current.Add(found);
            }

            return new MetadataCommit(false, Revision, current);
        }

        foreach (var write in transaction.Writes)
        {
            if (write.LeaseId != 0 && !_leases.ContainsKey(write.LeaseId))
                throw new MetadataException(MetadataErrorKind.LeaseNotFound, "The lease is not known.");
        }

        var revision = Revision + 1;
        var changed = false;
        foreach (var write in transaction.Writes)
        {
            var before = Get(write.Key, Revision);
            if (write.IsDelete && before is null)
                continue;
            changed = true;
            var after = write.IsDelete ? null
                : new MetadataEntry(write.Key, write.Value.ToArray(), before?.CreateRevision ?? revision, revision, write.LeaseId);
            Apply(revision, by, before, write.Key, after);
        }

        if (changed)
            Revision = revision;
        return new MetadataCommit(true, Revision, []);
    }

    public long Grant(TimeSpan timeToLive)
    {
        var id = _nextLease++;
        var lease = new Lease(id, timeToLive) { ExpiresAt = sim.Now + timeToLive.Ticks };
        _leases.Add(id, lease);
        ScheduleExpiry(lease);
        return id;
    }

    public bool KeepAlive(long id)
    {
        if (!_leases.TryGetValue(id, out var lease))
            return false;
        lease.ExpiresAt = sim.Now + lease.TimeToLive.Ticks;
        return true;
    }

    /// <summary>Ends a lease and deletes its keys.</summary>
    public void Revoke(long id, string by)
    {
        if (!_leases.Remove(id))
            return;
        var keys = _keys.Where(pair => At(pair.Value, Revision)?.LeaseId == id).Select(static pair => pair.Key).ToList();
        if (keys.Count == 0)
            return;
        var revision = Revision + 1;
        foreach (var key in keys)
            Apply(revision, by, Get(key, Revision), key, null);
        Revision = revision;
    }

    /// <summary>A stuck old leader revokes leases before their time (X9).</summary>
    public void RevokeAll()
    {
        foreach (var id in _leases.Keys.ToList())
            Revoke(id, "early-revoke");
    }

    public void RevokeOne(SimRandom random)
    {
        if (_leases.Count > 0)
            Revoke(random.Pick(_leases.Keys.ToList()), "early-revoke");
    }

    public void Add(EtcdWatch watch)
    {
        _watches.Add(watch);
        foreach (var change in History)
        {
            if (change.Revision > watch.AfterRevision)
                watch.Offer(change);
        }
    }

    public void Remove(EtcdWatch watch) => _watches.Remove(watch);

    /// <summary>Connections of watches break.</summary>
    public void EndWatches()
    {
        foreach (var watch in _watches)
            watch.End();
        _watches.Clear();
    }

    private void Apply(long revision, string by, MetadataEntry? before, string key, MetadataEntry? after)
    {
        if (!_keys.TryGetValue(key, out var versions))
            _keys.Add(key, versions = []);
        versions.Add((revision, after));
        var change = new EtcdChange(revision, by, before, key, after);
        History.Add(change);
        foreach (var watch in _watches)
            watch.Offer(change);
        OnChange?.Invoke(change);
    }

    private void ScheduleExpiry(Lease lease) => sim.At(lease.ExpiresAt, null, "lease", () =>
    {
        if (!_leases.ContainsKey(lease.Id))
            return;
        if (lease.ExpiresAt > sim.Now)
        {
            ScheduleExpiry(lease);
            return;
        }

        sim.Trace.Add("etcd", "lease-expired", lease.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Revoke(lease.Id, "expiry");
    });

    private static MetadataEntry? At(List<(long Revision, MetadataEntry? Entry)> versions, long revision)
    {
        for (var i = versions.Count - 1; i >= 0; i--)
        {
            if (versions[i].Revision <= revision)
                return versions[i].Entry;
        }

        return null;
    }

    private sealed class Lease(long id, TimeSpan timeToLive)
    {
        public long Id { get; } = id;

        public TimeSpan TimeToLive { get; } = timeToLive;

        public long ExpiresAt { get; set; }
    }
}
