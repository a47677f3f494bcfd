using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Dapr.Sidecar.Embedded.Naming;

/// <summary>Finds the sidecar of an app id: short cache, a few tries, away from addresses that just failed.</summary>
internal sealed class NameResolver(NameDirectory directory, TimeProvider time)
{
    private const int Tries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CacheFor = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AvoidFor = TimeSpan.FromSeconds(5);

    // Both are bounded by the sidecars that exist: only found addresses enter.
    private readonly ConcurrentDictionary<string, (List<string> Addresses, long Since)> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _failed = new(StringComparer.Ordinal);

    /// <summary>Look-ups that found nobody.</summary>
    public long Misses => Interlocked.Read(ref _misses);

    private long _misses;

    public async ValueTask<Resolution> ResolveAsync(string appId, string ns, CancellationToken cancellation)
    {
        var key = $"{appId}.{ns}";
        if (_cache.TryGetValue(key, out var cached) && time.GetElapsedTime(cached.Since) < CacheFor)
        {
            return new(Choose(cached.Addresses), MayReturn: true);
        }

        var abandoned = false;
        for (var i = 0; i < Tries; i++)
        {
            if (i > 0)
            {
                await Task.Delay(Pause, time, cancellation);
            }

            var addresses = directory.Find(appId, ns, out abandoned);
            if (addresses.Count > 0)
            {
                _cache[key] = (addresses, time.GetTimestamp());
                return new(Choose(addresses), MayReturn: true);
            }
        }

        _cache.TryRemove(key, out _);
        Interlocked.Increment(ref _misses);
        return new(null, abandoned);
    }

    /// <summary>A connection to this address failed: look again, elsewhere first.</summary>
    public void Avoid(string appId, string ns, string address)
    {
        _cache.TryRemove($"{appId}.{ns}", out _);
        _failed[address] = time.GetTimestamp();
    }

    private string Choose(List<string> addresses)
    {
        if (!_failed.IsEmpty)
        {
            var good = addresses.FindAll(address => !Failed(address));
            if (good.Count > 0)
            {
                addresses = good;
            }
        }

        return addresses.Count == 1 ? addresses[0] : addresses[RandomNumberGenerator.GetInt32(addresses.Count)];
    }

    private bool Failed(string address)
    {
        if (!_failed.TryGetValue(address, out var since))
        {
            return false;
        }

        if (time.GetElapsedTime(since) < AvoidFor)
        {
            return true;
        }

        _failed.TryRemove(address, out _);
        return false;
    }
}
