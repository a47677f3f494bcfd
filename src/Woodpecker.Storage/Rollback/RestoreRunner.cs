using System.Globalization;
using Microsoft.Extensions.Logging;
using Woodpecker.Format;
using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Rollback;

/// <summary>
/// Accepts metadata that went back: gathers what stores and objects remember, plans what they prove, and writes it
/// (section 13). Nothing is written without consent to every loss, and nothing at all while a contradiction is left.
/// </summary>
/// <remarks>
/// Threads: any; the cluster key lets one acceptance at a time write. Repeating a broken one goes on from where it ended.
/// Errors:  WoodpeckerException, MetadataException, ObjectStoreException.
/// </remarks>
public sealed partial class RestoreRunner(
    TransactionRunner runner, SafeModeTransactions safeMode, IObjectStore objects, ILogger<RestoreRunner> logger)
{
    /// <summary>More than the transactions that can have been lost beyond what anyone remembers of revisions.</summary>
    public const ulong Slack = 1_000;

    /// <summary>Tells what an acceptance would do.</summary>
    /// <exception cref="WoodpeckerException">Conflict (NotInSafeMode).</exception>
    public async ValueTask<RestoreReport> PlanAsync(
        IReadOnlyList<StoreRecollection> stores, RestoreDecision decision, Func<LogId, LogValue?> remembered,
        CancellationToken cancellationToken)
    {
        var cluster = await DemandAsync(cancellationToken);
        return (await SurveyAsync(cluster, stores, decision, remembered, cancellationToken)).Report;
    }

    /// <summary>Restores what is proven and ends safe mode.</summary>
    /// <param name="stores">What the replicas remember, asked after safe mode began.</param>
    /// <param name="decision">Who accepts what.</param>
    /// <param name="remembered">Settings of logs that this process remembers.</param>
    /// <param name="holder">The writer that recovers what is left open; null leaves that to the next append.</param>
    /// <param name="cancellationToken">Stops it; safe mode lasts.</param>
    /// <exception cref="WoodpeckerException">
    /// Conflict with reason <c>NotInSafeMode</c>, <c>DataLossNotAccepted</c> or <c>RestoreContradiction</c>: nothing was written;
    /// <c>RestoreContended</c>: another acceptance is at work.
    /// </exception>
    public async ValueTask<RestoreReport> RunAsync(
        IReadOnlyList<StoreRecollection> stores, RestoreDecision decision, Func<LogId, LogValue?> remembered, RestoreHolder? holder,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var cluster = await safeMode.ClaimAsync(await DemandAsync(cancellationToken), cancellationToken) ?? throw Contended();
        var survey = await SurveyAsync(cluster, stores, decision, remembered, cancellationToken);
        var report = survey.Report;
        if (report.Problems.Count > 0)
            throw Conflict("RestoreContradiction", $"Nothing was restored. What is found contradicts itself: {Join(report.Problems)}.");
        if (report.Losses.Count > 0 && !decision.AcceptsLoss)
        {
            throw Conflict(
                "DataLossNotAccepted",
                $"Nothing was restored. {Join(report.Losses)}. Bring back what may hold it, or accept the data loss explicitly.");
        }

        // First: tokens and EpochRevs handed out from here on are new ones.
        await safeMode.RaiseRevisionAsync(report.HighestRevision + (long)Slack, cancellationToken);
        await WriteCounterAsync(survey, cluster.ModRevision, cancellationToken);
        foreach (var plan in report.Plans)
            await WriteAsync(survey, plan, holder, cluster.ModRevision, cancellationToken);
        var audit = new AuditValue
        {
            Action = AuditValue.AcceptRestore,
            At = 0,
            By = decision.By,
            Why = decision.Why,
            Facts = AuditValue.Shorten(Facts(cluster.Value, report, decision)),
        };
        _ = await safeMode.EndAsync(cluster, audit, cancellationToken) ?? throw Contended();
        Accepted(logger, decision.By, report.Plans.Count(static p => p.Epoch is not null), report.Losses.Count);
        return report;
    }

    private async ValueTask<Versioned<ClusterValue>> DemandAsync(CancellationToken cancellationToken) =>
        await safeMode.ReadAsync(cancellationToken) is { Value.SafeMode: true } cluster
            ? cluster : throw Conflict("NotInSafeMode", "The cluster is not in safe mode; there is nothing to accept.");

    private async ValueTask<Survey> SurveyAsync(
        Versioned<ClusterValue> cluster, IReadOnlyList<StoreRecollection> stores, RestoreDecision decision,
        Func<LogId, LogValue?> remembered, CancellationToken cancellationToken)
    {
        var finds = await ObjectFinds.ReadAsync(cluster.Value.ClusterId, objects, cancellationToken);
        // All keys at one revision: nothing but this acceptance changes them while safe mode lasts.
        var listing = await runner.Store.ListAsync(MetadataKeys.LogsPrefix, cancellationToken);
        var tombstones = await runner.Store.ListAsync(MetadataKeys.TombstonePrefix, cancellationToken);
        var names = await runner.Store.ListAsync(MetadataKeys.NamePrefix, cancellationToken);
        var counter = await runner.ReadAsync<IdCounterValue>(MetadataKeys.LogIdCounter, cancellationToken);
        if (listing.Revision < cluster.ModRevision)
            throw new MetadataException(MetadataErrorKind.Unavailable, "The log keys were read before safe mode began: the read is stale.");

        var highest = stores.Select(static s => s.HighestRevision)
            .Append(cluster.Value.SeenRevision ?? 0).Append(finds.HighestToken).Append(runner.Guard.Revisions.Highest).Max();
        var lost = (ulong)Math.Max(0, highest - (cluster.Value.SafeModeRevision ?? 0)) + Slack;
        var byLog = listing.Entries.Where(static e => MetadataKeys.TryParseLog(e.Key, MetadataKeys.LogsPrefix, out _))
            .ToLookup(static e => MetadataKeys.TryParseLog(e.Key, MetadataKeys.LogsPrefix, out var log) ? log : default);
        var deleted = tombstones.Entries.Select(static e => MetadataKeys.TryParseLog(e.Key, MetadataKeys.TombstonePrefix, out var log) ? log : default)
            .ToHashSet();
        var logs = byLog.Select(static g => g.Key).Concat(finds.Logs).Concat(deleted)
            .Concat(stores.SelectMany(static s => s.Promises.Keys.Concat(s.Copies.Select(static c => c.Log)))).Distinct().Order().ToList();

        var copiesOf = stores.SelectMany(static s => s.Copies).ToLookup(static c => c.Log, static c => c.Copy);
        var keys = new Dictionary<LogId, LogKeys>();
        var plans = new List<RestorePlan>();
        foreach (var log in logs)
        {
            var own = keys[log] = LogKeys.From(log, byLog[log]);
            var known = own.ToKnown(deleted.Contains(log), finds.HasObjects);
            var copies = copiesOf[log].ToList();
            if (known is not { IsDeleted: true })
                copies.AddRange(await finds.SlotsOfAsync(log, id => FixedEpoch(known, id), cancellationToken));
            plans.Add(RestorePlanner.Plan(new RestoreFacts(
                log, known, stores.Select(s => s.Promises.GetValueOrDefault(log)).DefaultIfEmpty().Max(), copies, finds.ManifestsOf(log))
            {
                LostTransactions = lost,
                StartChain = (id, epoch, start) => ChainHash.Start(log, id, epoch, start),
            }));
        }

        var next = Math.Max(counter?.Value.Next.Value ?? 1, logs.Count == 0 ? 1 : logs[^1].Value + 1) + lost;
        var settings = NameAll(plans, keys, names, decision, remembered);
        var report = new RestoreReport(
            plans, settings.ToDictionary(static s => s.Key, static s => s.Value.Name), highest, new LogId(next));
        return new Survey(report, keys, settings, finds, counter);
    }

    private static LogEpoch? FixedEpoch(KnownLog? known, SegmentId id)
    {
        var key = known?.Segments.FirstOrDefault(k => k.Id.CompareTo(id) <= 0 && k.LastSegment.CompareTo(id) >= 0);
        return key is not null && Segments.SegmentLifecycle.HasFixedEnd(key.State) ? key.Epoch : null;
    }

    // A name is nowhere but in metadata and in writers that run; one that is taken by now is not taken away.
    private static Dictionary<LogId, LogValue> NameAll(
        List<RestorePlan> plans, Dictionary<LogId, LogKeys> keys, MetadataListing names, RestoreDecision decision, Func<LogId, LogValue?> remembered)
    {
        var taken = names.Entries.Select(static e => e.Key[MetadataKeys.NamePrefix.Length..]).ToHashSet(StringComparer.Ordinal);
        var result = new Dictionary<LogId, LogValue>();
        foreach (var plan in plans)
        {
            if (keys[plan.Log].Meta is { } meta)
            {
                result[plan.Log] = meta.Value;
                continue;
            }

            if (!plan.IsNew)
                continue;
            var settings = remembered(plan.Log) ?? new LogValue
            {
                Name = "",
                Mode = plan.Segments.Any(static s => s.IsSlots) ? LogMode.MemoryBuffer : LogMode.QuorumBuffer,
                Fence = plan.Segments.Any(static s => s.SlotNonce is not null) ? SlotFence.EtcdVerify : default,
            };
            var name = decision.Names.GetValueOrDefault(plan.Log) ?? settings.Name;
            if (name.Length == 0 || !taken.Add(name))
            {
                name = string.Create(CultureInfo.InvariantCulture, $"restored-{plan.Log.Value}");
                taken.Add(name);
            }

            result[plan.Log] = settings with { Name = name, State = LogState.Live };
        }

        return result;
    }

    private async ValueTask WriteCounterAsync(Survey survey, long claim, CancellationToken cancellationToken)
    {
        if (survey.Counter is { } counter && counter.Value.Next.Value >= survey.Report.NextLog.Value)
            return;
        var nonce = runner.NewNonce();
        var value = (survey.Counter?.Value ?? new IdCounterValue { Next = survey.Report.NextLog }) with { Nonce = nonce, Next = survey.Report.NextLog };
        var transaction = new MetadataTransaction().Put(MetadataKeys.LogIdCounter, Metadata.Json.MetadataJson.Write(value));
        Demand(await runner.RestoreAsync<IdCounterValue>(transaction, MetadataKeys.LogIdCounter, nonce, claim, cancellationToken));
    }

    private async ValueTask WriteAsync(
        Survey survey, RestorePlan plan, RestoreHolder? holder, long claim, CancellationToken cancellationToken)
    {
        var writer = new RestoreWriter(plan, survey.Keys[plan.Log], survey.Settings.GetValueOrDefault(plan.Log), survey.Finds.Describe, holder, runner);
        foreach (var step in writer.Build())
        {
            Demand(await runner.RestoreAsync<MarkValue>(step.Transaction, step.DecidingKey, step.Nonce, claim, cancellationToken));
            Restored(logger, plan.Log, step.Text);
        }
    }

    private static void Demand(in TransactionResult result)
    {
        if (!result.Landed)
            throw Contended();
    }

    private static IEnumerable<string> Facts(ClusterValue cluster, RestoreReport report, RestoreDecision decision)
    {
        yield return cluster.SafeModeReason ?? "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Plans.Count(static p => p.Epoch is not null)} logs, {report.Plans.Sum(static p => p.Segments.Count)} segment keys written, revisions raised above {report.HighestRevision}");
        if (decision.Without.Count > 0)
            yield return $"without {string.Join(", ", decision.Without)}";
        if (report.Losses.Count > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{report.Losses.Count} losses were accepted");
        foreach (var loss in report.Losses)
            yield return loss;
    }

    private static string Join(IReadOnlyList<string> sentences) =>
        string.Join("; ", sentences.Take(10)) + (sentences.Count > 10 ? $"; and {sentences.Count - 10} more" : "");

    private static WoodpeckerException Contended() =>
        Conflict("RestoreContended", "The cluster key changed: another acceptance is at work, or something new was noticed. Look again.");

    private static WoodpeckerException Conflict(string reason, string message) => new(ErrorKind.Conflict, message) { Reason = reason };

    [LoggerMessage(3321, LogLevel.Warning, "Restored of log {Log}: {What}")]
    private static partial void Restored(ILogger logger, LogId log, string what);

    [LoggerMessage(3322, LogLevel.Critical, "A restore of metadata was accepted by {By}: {Logs} logs, {Losses} losses; safe mode is over")]
    private static partial void Accepted(ILogger logger, string by, int logs, int losses);

    private sealed record Survey(
        RestoreReport Report, Dictionary<LogId, LogKeys> Keys, Dictionary<LogId, LogValue> Settings, ObjectFinds Finds, Versioned<IdCounterValue>? Counter);
}
