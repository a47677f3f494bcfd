using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Simulation.Mutants;

/// <summary>All mutants.</summary>
internal static class MutantList
{
    public static IReadOnlyList<MutantCase> All { get; } =
    [
        new("minimum-end", "MUT-02", "woodpecker#252, #320", KnownMistake.MinimumEnd),
        new("silence-is-empty", "MUT-03", "woodpecker#149 class", KnownMistake.SilenceIsEmpty),
        new("volatile-fence", "MUT-04b", "BookKeeper BP-46", KnownMistake.VolatileFence),
        new("unfenced-reply", "MUT-04", "BookKeeper#2614", KnownMistake.UnfencedReply),
        new("early-fence-reply", "MUT-05", "woodpecker 5accacd", KnownMistake.EarlyFenceReply),
        new("no-write-back", "MUT-07", "woodpecker#327", KnownMistake.NoWriteBack),
        new("ambiguous-is-clean", "MUT-09", "R11", KnownMistake.AmbiguousIsClean),
        new("generation-kept", "MUT-09b", "R10", KnownMistake.GenerationKept),
        new("incarnation-ignored", "MUT-10", "BookKeeper#4812", KnownMistake.IncarnationIgnored),
        new("ack-before-sync", "MUT-12", "J4", AtPort: static c => Disks(c, DiskMistake.SkipsSync)),
        new("sync-error-swallowed", "MUT-12b", "J4, J5", AtPort: static c => Disks(c, DiskMistake.SwallowsErrors)),
        new("names-not-synced", "MUT-13", "J8", AtPort: static c => Disks(c, DiskMistake.SkipsNames)),
        new("live-file-reclaimed", "MUT-17", "J10", KnownMistake.LiveFileReclaimed),
        new("epoch-not-compared", "MUT-18", "woodpecker#143, #156", AtPort: static c => Compares(c, "/epoch")),
        new("id-from-scan", "MUT-19", "woodpecker#156", KnownMistake.IdFromScan),
        new("late-acks", "MUT-20b", "W10", KnownMistake.LateAcknowledgements),
        new("unknown-is-failure", "MUT-21", "Iceberg#2328 class", KnownMistake.UnknownIsFailure),
        new("unknown-is-success", "MUT-21", "Iceberg#2328 class", KnownMistake.UnknownIsSuccess),
        new("ok-after-death", "MUT-22", "woodpecker#143, 72ecf6b", KnownMistake.OkAfterDeath),
        new("visible-is-durable", "MUT-24", "Go original", KnownMistake.VisibleIsDurable),
        new("released-unpublished", "MUT-27", "U7", KnownMistake.ReleasedUnpublished),
        new("exists-is-mine", "MUT-35", "Go original", KnownMistake.ExistsIsMine),
        new("fence-slot-deleted", "MUT-36", "SlateDB RFC 0026", AtPort: DeleteFences),
        new("slots-out-of-order", "MUT-36b", "SlateDB RFC 0001", KnownMistake.SlotsOutOfOrder),
        new("duplicate-appended", "MUT-39", "Fluss#2826", KnownMistake.DuplicateAppended),
        new("producers-forgotten", "MUT-39b", "P2", KnownMistake.ProducersForgotten),
        new("expected-is-confirmed", "MUT-40", "P4", KnownMistake.ExpectedIsConfirmed),
    ];

    private static void Disks(Cluster cluster, DiskMistake mistake)
    {
        foreach (var node in cluster.Of(NodeKind.Replica))
            node.Disk!.Decorate = medium => new FaultyMedium(medium, mistake);
    }

    private static void Compares(Cluster cluster, string suffix) =>
        cluster.Composer.DecorateEtcd = (_, client) => (new ForgetfulStore(client, suffix), client);

    // A collector that thinks a fence is garbage.
    private static void DeleteFences(Cluster cluster) => cluster.Bucket.OnPut = (key, bytes) =>
    {
        if (key.Contains("/s-", StringComparison.Ordinal) && bytes.Length <= SlotObject.FenceSize)
            cluster.Sim.After(TimeSpan.FromSeconds(2), null, "fence-deleted", () => cluster.Bucket.Delete(key, "mutant"));
    };

    /// <summary>Leaves compares of some keys out of every transaction.</summary>
    private sealed class ForgetfulStore(IMetadataStore inner, string suffix) : IMetadataStore
    {
        public ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken) =>
            inner.GetAsync(key, cancellationToken);

        public ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken) =>
            inner.ListAsync(prefix, cancellationToken);

        public IAsyncEnumerable<MetadataChange> WatchAsync(string prefix, long afterRevision, CancellationToken cancellationToken) =>
            inner.WatchAsync(prefix, afterRevision, cancellationToken);

        public ValueTask<MetadataCommit> CommitAsync(MetadataTransaction transaction, CancellationToken cancellationToken)
        {
            // The acquisition itself still compares; every other step trusts that it still reigns.
            if (transaction.Writes.Any(w => w.Key.EndsWith(suffix, StringComparison.Ordinal)))
                return inner.CommitAsync(transaction, cancellationToken);
            var less = new MetadataTransaction();
            foreach (var compare in transaction.Compares)
            {
                if (compare.Key.EndsWith(suffix, StringComparison.Ordinal))
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

            return inner.CommitAsync(less, cancellationToken);
        }
    }
}
