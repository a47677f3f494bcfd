namespace Woodpecker.Storage.Metadata.Local;

/// <summary>A lease as seen from outside.</summary>
/// <param name="Id">Its id.</param>
/// <param name="GrantedSeconds">Time to live it was granted, in seconds.</param>
/// <param name="RemainingSeconds">Time left, in seconds, rounded up.</param>
internal readonly record struct LeaseInfo(long Id, long GrantedSeconds, long RemainingSeconds);

/// <summary>The leases, their keys and when they end, on the monotonic clock.</summary>
/// <remarks>
/// Threads: the writer grants, ends and attaches; renewing happens on any thread, so that a keep-alive never waits for a
///          disk. After a restart every lease has its full time again: nobody could renew it while the store was away.
/// </remarks>
internal sealed class LeaseTable(TimeProvider time)
{
    private static readonly IComparer<ReadOnlyMemory<byte>> _byBytes =
        Comparer<ReadOnlyMemory<byte>>.Create(static (a, b) => a.Span.SequenceCompareTo(b.Span));

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Lease> _leases = [];

    public bool Exists(long id)
    {
        lock (_gate)
            return _leases.ContainsKey(id);
    }

    /// <summary>Adds a lease; false if the id is taken.</summary>
    public bool TryGrant(long id, long seconds)
    {
        lock (_gate)
            return _leases.TryAdd(id, new Lease(seconds, EndOf(seconds)));
    }

    /// <summary>Gives the lease its full time again.</summary>
    /// <returns>That time in seconds, or 0 if the lease has ended.</returns>
    public long Renew(long id)
    {
        lock (_gate)
        {
            // A lease past its end is lost even if its keys are still there: the end may already be on its way to the log.
            if (!_leases.TryGetValue(id, out var lease) || lease.EndsAt <= time.GetTimestamp())
                return 0;
            lease.EndsAt = EndOf(lease.Seconds);
            return lease.Seconds;
        }
    }

    /// <summary>The lease; null if unknown.</summary>
    public LeaseInfo? Find(long id)
    {
        lock (_gate)
        {
            if (!_leases.TryGetValue(id, out var lease))
                return null;
            var remaining = Math.Max(0, lease.EndsAt - time.GetTimestamp());
            return new LeaseInfo(id, lease.Seconds, (long)Math.Ceiling((double)remaining / time.TimestampFrequency));
        }
    }

    /// <summary>All ids, ascending.</summary>
    public IReadOnlyList<long> Ids()
    {
        lock (_gate)
            return [.. _leases.Keys];
    }

    /// <summary>Ids and granted times, for a checkpoint.</summary>
    public IReadOnlyList<(long Id, long Seconds)> ToList()
    {
        lock (_gate)
            return [.. _leases.Select(static l => (l.Key, l.Value.Seconds))];
    }

    /// <summary>Leases past their end.</summary>
    public IReadOnlyList<long> Expired()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            return [.. _leases.Where(l => l.Value.EndsAt <= now).Select(static l => l.Key)];
        }
    }

    /// <summary>Whether the lease exists and, if asked, is past its end.</summary>
    public bool MayEnd(long id, bool onlyIfExpired)
    {
        lock (_gate)
            return _leases.TryGetValue(id, out var lease) && (!onlyIfExpired || lease.EndsAt <= time.GetTimestamp());
    }

    /// <summary>Keys of the lease, in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> KeysOf(long id)
    {
        lock (_gate)
            return _leases.TryGetValue(id, out var lease) ? [.. lease.Keys] : [];
    }

    /// <summary>Removes the lease.</summary>
    public void End(long id)
    {
        lock (_gate)
            _leases.Remove(id);
    }

    /// <summary>Moves keys between leases as the versions say.</summary>
    public void Follow(IReadOnlyList<KeyVersion> versions)
    {
        lock (_gate)
        {
            foreach (var version in versions)
            {
                if (version.Earlier is { LeaseId: not 0 } before && _leases.TryGetValue(before.LeaseId, out var old))
                    old.Keys.Remove(version.Key);
                if (version.LeaseId != 0 && _leases.TryGetValue(version.LeaseId, out var now))
                    now.Keys.Add(version.Key);
            }
        }
    }

    /// <summary>Gives every lease its full time: the store was away and nobody could renew.</summary>
    public void RestartClocks()
    {
        lock (_gate)
        {
            foreach (var lease in _leases.Values)
                lease.EndsAt = EndOf(lease.Seconds);
        }
    }

    // A time to live may be longer than the clock can count; such a lease never ends by itself.
    private long EndOf(long seconds)
    {
        var now = time.GetTimestamp();
        var longest = (long.MaxValue - now) / time.TimestampFrequency;
        return seconds >= longest ? long.MaxValue : now + (seconds * time.TimestampFrequency);
    }

    private sealed class Lease(long seconds, long endsAt)
    {
        public long Seconds { get; } = seconds;

        public long EndsAt { get; set; } = endsAt;

        public SortedSet<ReadOnlyMemory<byte>> Keys { get; } = new(_byBytes);
    }
}
