using System.Text;
using Microsoft.Extensions.Logging;
using Woodpecker.Compaction;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Compaction;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Maintenance;

/// <summary>Deletes objects of dead jobs that were never published (C4).</summary>
/// <remarks>
/// The order matters: list the objects, then establish by a transaction with a put that metadata is read no earlier than
/// now, then read segments, gc records and jobs at or after that revision. An object whose token is dead at that revision
/// can never be published, whatever the clocks say. Threads: any.
/// </remarks>
public sealed partial class OrphanCollector(
    TransactionRunner runner, IObjectStore store, MaintenanceOptions options, ILogger<OrphanCollector> logger)
{
    /// <summary>Collects the orphans of one log.</summary>
    /// <returns>Objects deleted.</returns>
    public async ValueTask<int> RunAsync(LogId log, CancellationToken cancellationToken)
    {
        List<JobObject> listed = [];
        await foreach (var (info, name, text) in JobObjects.ListAsync(store, ObjectNames.LogPrefix(log), cancellationToken))
            listed.Add(new JobObject(text, name.Segment, name.JobToken, info.LastModified.ToUnixTimeMilliseconds() * 1000));
        if (listed.Count == 0)
            return 0;

        var revision = await MarkAsync(log, cancellationToken);
        // Segments and jobs at ONE revision: read apart, a job could publish and vanish in between. Gc records after
        // them: what a merge moved there meanwhile is then seen in one of the two.
        var everything = await runner.Store.ListAsync(MetadataKeys.Log(log), cancellationToken);
        var keys = SegmentKeys.From(Below(everything, MetadataKeys.SegmentPrefix(log)));
        var jobs = JobsOf(Below(everything, MetadataKeys.JobPrefix(log)));
        var (collected, gcRevision) = await ReadGcAsync(log, cancellationToken);
        if (Math.Min(everything.Revision, gcRevision) < revision)
        {
            // X1: a stale read proves nothing; the next pass looks again.
            Stale(logger, log.Value, revision);
            return 0;
        }

        // Section 13: tokens are revisions. One that metadata has not reached yet was given out by metadata that went back.
        if (listed.Max(static o => o.JobToken) is var newest && newest > everything.Revision)
        {
            runner.Guard.Suspect(
                FormattableString.Invariant($"objects of log {log} carry token {newest}, but metadata is at revision {everything.Revision}"),
                everything.Revision);
            return 0;
        }

        var referenced = ReferencedTokens.Of(keys);
        referenced.UnionWith(collected);
        var orphans = OrphanPlanner.Plan(listed, referenced, jobs, runner.NowMicroseconds, options.OrphanGrace);
        foreach (var orphan in orphans)
        {
            await store.DeleteAsync(new ObjectKey(orphan.Name), cancellationToken);
            Deleted(logger, orphan.Name, revision);
        }

        return orphans.Count;
    }

    /// <summary>Puts a mark through consensus.</summary>
    /// <returns>Its revision: reads at or after it saw everything committed before the call (X1).</returns>
    private async ValueTask<long> MarkAsync(LogId log, CancellationToken cancellationToken)
    {
        var key = MetadataKeys.GcMark(log);
        var value = Encoding.UTF8.GetBytes($$"""{"v":1,"nonce":"{{runner.NewNonce():N}}"}""");
        var result = await runner.RunAsync(
            new MetadataTransaction().Put(key, value),
            key,
            entry => entry is not null && entry.Value.Span.SequenceEqual(value),
            cancellationToken);
        Invariant.Check(result.Landed, "a transaction without compares lands");
        return result.Revision;
    }

    private static MetadataListing Below(MetadataListing listing, string prefix) => listing with
    {
        Entries = [.. listing.Entries.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))],
    };

    private static Dictionary<SegmentId, long> JobsOf(MetadataListing listing)
    {
        Dictionary<SegmentId, long> jobs = [];
        foreach (var entry in listing.Entries)
        {
            if (!MetadataKeys.TryParseSegment(entry.Key, out var segment))
                throw new MetadataException(MetadataErrorKind.Corrupt, $"The metadata key {entry.Key} is not a job key.");
            jobs[segment] = entry.CreateRevision;
        }

        return jobs;
    }

    // Objects in gc records are replaced ones: their own time has to come (C3).
    private async ValueTask<(HashSet<(SegmentId Segment, long JobToken)> Collected, long Revision)> ReadGcAsync(
        LogId log, CancellationToken cancellationToken)
    {
        var listing = await runner.Store.ListAsync(MetadataKeys.GcPrefix(log), cancellationToken);
        HashSet<(SegmentId, long)> collected = [];
        foreach (var entry in listing.Entries)
        {
            foreach (var text in MetadataJson.Read<GcValue>(entry).Objects)
            {
                if (ObjectNames.TryParse(text, out var name))
                    collected.Add((name.Segment, name.JobToken));
            }
        }

        return (collected, listing.Revision);
    }

    [LoggerMessage(3311, LogLevel.Information, "Deleted the orphan {Object}: its job was dead and nothing named it at revision {Revision}")]
    private static partial void Deleted(ILogger logger, string @object, long revision);

    [LoggerMessage(3312, LogLevel.Warning, "Metadata of log {Log} was read at a revision older than {Revision}; no orphan is deleted this time")]
    private static partial void Stale(ILogger logger, ulong log, long revision);
}
