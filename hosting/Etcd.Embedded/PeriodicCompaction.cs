using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>Compacts to the revision of some time ago: <c>--auto-compaction-mode=periodic</c>.</summary>
internal sealed class PeriodicCompaction(MvccStore store, ServerOptions options, TimeProvider time) : BackgroundService
{
    private const int Samples = 10;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.RetainedAge == TimeSpan.Zero)
            return;
        // Revisions at the last ten tenths of the age, oldest first.
        var revisions = new Queue<long>();
        using var timer = new PeriodicTimer(options.RetainedAge / Samples, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            revisions.Enqueue(store.Current.Revision);
            if (revisions.Count <= Samples)
                continue;
            var revision = revisions.Dequeue();
            if (revision <= store.Current.CompactedRevision)
                continue;
            try
            {
                await store.CompactAsync(revision, stoppingToken);
            }
            catch (MvccException)
            {
                // Somebody compacted further meanwhile, or the store refuses writes, which health reports.
            }
        }
    }
}
