using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Simulation.Models;

/// <summary>A watch of one client: changes arrive late, but in order, until the connection breaks.</summary>
internal sealed class EtcdWatch(Simulator sim, Life life, string prefix, long afterRevision)
{
    private readonly Queue<MetadataChange> _arrived = new();
    private readonly AsyncSignal _signal = new();
    private long _lastArrival;
    private bool _hasEnded;

    public long AfterRevision { get; } = afterRevision;

    public void Offer(EtcdChange change)
    {
        if (!change.Key.StartsWith(prefix, StringComparison.Ordinal))
            return;
        var at = Math.Max(_lastArrival, sim.Now + sim.Random.Between(0.3, 30).Ticks);
        _lastArrival = at;
        sim.At(at, life, "etcd-watch", () =>
        {
            _arrived.Enqueue(new MetadataChange(change.Key, change.After, change.Revision));
            _signal.Raise();
        });
    }

    public void End() => sim.At(Math.Max(_lastArrival, sim.Now), life, "etcd-watch-end", () =>
    {
        _hasEnded = true;
        _signal.Raise();
    });

    public async IAsyncEnumerable<MetadataChange> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var wake = cancellationToken.UnsafeRegister(static s => ((AsyncSignal)s!).Raise(), _signal);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_arrived.TryDequeue(out var change))
                yield return change;
            else if (_hasEnded)
                yield break;
            else
                await _signal.WaitAsync();
        }
    }
}
