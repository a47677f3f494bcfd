using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Simulation.Mutants;

/// <summary>All mutants.</summary>
internal static class MutantList
{
    public static IReadOnlyList<MutantCase> All { get; } =
    [
        new("partial-index", "MUT-01", "woodpecker#320", KnownMistake.PartialIndex),
        new("minimum-end", "MUT-02", "woodpecker#252, #320", KnownMistake.MinimumEnd),
        new("empty-replies-dropped", "MUT-02b", "woodpecker#252", KnownMistake.EmptyRepliesDropped),
        new("silence-is-empty", "MUT-03", "woodpecker#149 class", KnownMistake.SilenceIsEmpty),
        new("unfenced-reply", "MUT-04", "BookKeeper#2614", KnownMistake.UnfencedReply),
        new("volatile-fence", "MUT-04b", "BookKeeper BP-46", KnownMistake.VolatileFence),
        new("early-fence-reply", "MUT-05", "woodpecker 5accacd", KnownMistake.EarlyFenceReply),
        new("unknown-unfenced", "MUT-06", "BookKeeper TLA+", KnownMistake.UnknownSegmentUnfenced),
        new("no-write-back", "MUT-07", "woodpecker#327", KnownMistake.NoWriteBack),
        new("stale-recovery", "MUT-08", "R6", KnownMistake.StaleRecoveryTaken),
        new("ambiguous-is-clean", "MUT-09", "R11", KnownMistake.AmbiguousIsClean),
        new("generation-kept", "MUT-09b", "R10", KnownMistake.GenerationKept),
        new("incarnation-ignored", "MUT-10", "BookKeeper#4812", KnownMistake.IncarnationIgnored),
        new("ack-before-sync", "MUT-12", "J4", AtPort: static c => Disks(c, DiskMistake.SkipsSync)),
        new("sync-error-swallowed", "MUT-12b", "J4, J5", AtPort: static c => Disks(c, DiskMistake.SwallowsErrors)),
        new("sync-retried", "MUT-12c", "J5", AtPort: static c => Disks(c, DiskMistake.RetriesSync)),
        new("names-not-synced", "MUT-13", "J8", AtPort: static c => Disks(c, DiskMistake.SkipsNames)),
        new("cache-trusted", "MUT-13b", "J6, J7", KnownMistake.CacheTrusted),
        new("tail-rewritten", "MUT-15", "J2", AtPort: static c => Disks(c, DiskMistake.RewritesTail)),
        new("nonce-ignored", "MUT-16", "J3", KnownMistake.NonceIgnored),
        new("live-file-reclaimed", "MUT-17", "J10", KnownMistake.LiveFileReclaimed),
        new("epoch-not-compared", "MUT-18", "woodpecker#143, #156", AtPort: static c => Forgets(c, EpochOfOthers)),
        new("verify-not-compared", "MUT-18c", "B11", AtPort: static c => Forgets(c, AllButMark)),
        new("id-from-scan", "MUT-19", "woodpecker#156", KnownMistake.IdFromScan),
        new("hasty-roll", "MUT-20", "INV-36", AtPort: static c => c.Composer.DecorateEtcd = (_, e) => (new HastyStore(e), e)),
        new("late-acks", "MUT-20b", "W10", KnownMistake.LateAcknowledgements),
        new("unknown-is-failure", "MUT-21", "Iceberg#2328 class", KnownMistake.UnknownIsFailure),
        new("unknown-is-success", "MUT-21", "Iceberg#2328 class", KnownMistake.UnknownIsSuccess),
        new("ok-after-death", "MUT-22", "woodpecker#143, 72ecf6b", KnownMistake.OkAfterDeath),
        new("hole-in-reappend", "MUT-23", "INV-34", KnownMistake.HoleInReappend),
        new("visible-is-durable", "MUT-24", "Go original", KnownMistake.VisibleIsDurable),
        new("local-end-uploaded", "MUT-25", "woodpecker#242", KnownMistake.LocalEndUploaded),
        new("released-unpublished", "MUT-27", "U7", KnownMistake.ReleasedUnpublished),
        new("absent-key-releases", "MUT-27b", "R12", KnownMistake.AbsentKeyReleases),
        new("job-not-compared", "MUT-28", "SlateDB RFC 0029", AtPort: static c => Forgets(c, JobOfPublish)),
        new("key-not-compared", "MUT-28b", "SlateDB RFC 0029", AtPort: static c => Forgets(c, KeysOfPublish)),
        new("orphans-by-age", "MUT-29", "SlateDB PR #1682", KnownMistake.OrphansByAge),
        new("newest-truncated", "MUT-30", "woodpecker#285, milvus#53116", KnownMistake.NewestTruncated),
        new("corrupt-is-not-yet", "MUT-33", "woodpecker#358, BookKeeper#2908", KnownMistake.CorruptIsNotYet),
        new("exists-is-mine", "MUT-35", "Go original", KnownMistake.ExistsIsMine),
        new("own-slot-is-foreign", "MUT-35b", "Go original", KnownMistake.OwnSlotIsForeign),
        new("fence-slot-deleted", "MUT-36", "SlateDB RFC 0026", AtPort: DeleteFences),
        new("slots-out-of-order", "MUT-36b", "SlateDB RFC 0001", KnownMistake.SlotsOutOfOrder),
        new("ack-before-verify", "MUT-37", "B10, etcd#20418", KnownMistake.AckBeforeVerify),
        new("lease-not-kept", "MUT-38", "woodpecker#265", AtPort: static c => c.Composer.DecorateEtcd = (_, e) => (e, new IdleLeases(e))),
        new("duplicate-appended", "MUT-39", "Fluss#2826", KnownMistake.DuplicateAppended),
        new("producers-forgotten", "MUT-39b", "P2", KnownMistake.ProducersForgotten),
        new("expected-is-confirmed", "MUT-40", "P4", KnownMistake.ExpectedIsConfirmed),
        new("slowest-awaited", "MUT-41", "woodpecker#228, #232", KnownMistake.SlowestAwaited),
        new("fields-dropped", "MUT-43", "woodpecker 45f357b", KnownMistake.FieldsDropped),
        new("frame-freed-early", "MUT-44", "W2", KnownMistake.FrameFreedEarly),
        new("completions-lost", "MUT-48", "woodpecker 56ab79d", KnownMistake.CompletionsLost),
        new("counters-lost", "MUT-48b", "woodpecker 56ab79d", KnownMistake.CountersLost),
    ];

    /// <summary>A mutant by its name; "none" is the workload of mutants without a mistake.</summary>
    public static MutantCase Find(string name) =>
        name == "none" ? new MutantCase(name, "", "") : All.First(m => m.Name == name);

    private static void Disks(Cluster cluster, DiskMistake mistake)
    {
        foreach (var node in cluster.Of(NodeKind.Replica))
            node.Disk!.Decorate = medium => new FaultyMedium(medium, mistake);
    }

    private static void Forgets(Cluster cluster, Func<MetadataTransaction, MetadataCompare, bool> forgets) =>
        cluster.Composer.DecorateEtcd = (_, client) => (new ForgetfulStore(client, forgets), client);

    // The acquisition itself still compares; every other step trusts that it still reigns.
    private static bool EpochOfOthers(MetadataTransaction transaction, MetadataCompare compare) =>
        compare.Key.EndsWith("/epoch", StringComparison.Ordinal) && !Writes(transaction, "/epoch");

    private static bool AllButMark(MetadataTransaction transaction, MetadataCompare compare) =>
        Writes(transaction, "/mb") && !compare.Key.EndsWith("/mb", StringComparison.Ordinal);

    private static bool JobOfPublish(MetadataTransaction transaction, MetadataCompare compare) =>
        compare.Key.Contains("/job/", StringComparison.Ordinal) && Writes(transaction, "/seg/");

    private static bool KeysOfPublish(MetadataTransaction transaction, MetadataCompare compare) =>
        compare.Key.Contains("/seg/", StringComparison.Ordinal)
        && transaction.Compares.Any(static c => c.Key.Contains("/job/", StringComparison.Ordinal) && c.Revision != 0);

    private static bool Writes(MetadataTransaction transaction, string part) =>
        transaction.Writes.Any(w => w.Key.Contains(part, StringComparison.Ordinal));

    // A collector that thinks a fence is garbage.
    private static void DeleteFences(Cluster cluster) => cluster.Bucket.OnPut = (key, bytes) =>
    {
        if (key.Contains("/s-", StringComparison.Ordinal) && bytes.Length <= SlotObject.FenceSize)
            cluster.Sim.After(TimeSpan.FromSeconds(2), null, "fence-deleted", () => cluster.Bucket.Delete(key, "mutant"));
    };
}
