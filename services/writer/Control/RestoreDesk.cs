using System.Globalization;
using Woodpecker.Protocol.Control;
using Woodpecker.Quorum;
using Woodpecker.Replicas;
using Woodpecker.Rollback;
using Woodpecker.Segments;
using Woodpecker.Services;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Rollback;
using Woodpecker.Writer.Ownership;

namespace Woodpecker.Writer.Control;

/// <summary>Shows whether metadata went back to an older state, and accepts that on an operator's word (section 13).</summary>
/// <remarks>Threads: any; the cluster key lets one acceptance at a time write.</remarks>
internal sealed class RestoreDesk(
    WriterNode node, NodeTransactions nodes, NodeInquiry inquiry, SafeModeTransactions safeMode, RestoreRunner restores,
    TransactionRunner runner, LogNames names)
{
    private const int MaxLogsTold = 1_000;
    private const int MaxAttempts = 5;
    private static readonly TimeSpan _contendedPause = TimeSpan.FromMilliseconds(500);

    /// <summary>The state of the cluster; in safe mode also what metadata lacks.</summary>
    public async ValueTask<ClusterDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        var cluster = await safeMode.ReadAsync(cancellationToken);
        var problem = runner.Guard.Problem;
        var value = cluster?.Value;
        var description = new ClusterDescription
        {
            ClusterId = value?.ClusterId ?? node.ClusterId,
            State = problem is null ? "Normal" : "SafeMode",
            Reason = problem,
            NoticedBy = value?.SafeModeBy,
            NoticedAt = value?.SafeModeAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at / 1000) : null,
            Revision = value?.SafeModeRevision,
            SeenRevision = value?.SeenRevision,
        };
        if (problem is null)
            return description;
        try
        {
            return description with { Restore = await DecideAsync(new AcceptRestoreBody(), cancellationToken) };
        }
        catch (WoodpeckerException e)
        {
            return description with { Problem = e.Message };
        }
    }

    /// <summary>Accepts the restore, or tells what that would do.</summary>
    /// <exception cref="WoodpeckerException">Conflict: nothing was done, with the reason.</exception>
    public async ValueTask<RestoreDescription> DecideAsync(AcceptRestoreBody body, CancellationToken cancellationToken)
    {
        var decision = ToDecision(body);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await DecideAsync(body, decision, cancellationToken);
            }
            catch (WoodpeckerException e) when (e.Reason == "RestoreContended" && attempt < MaxAttempts)
            {
                // Every process adds what it remembers to the cluster key as soon as it hears of safe mode; of that too.
                await Task.Delay(_contendedPause, runner.Time, cancellationToken);
            }
        }
    }

    private async ValueTask<RestoreDescription> DecideAsync(AcceptRestoreBody body, RestoreDecision decision, CancellationToken cancellationToken)
    {
        var (stores, missing) = await GatherAsync(cancellationToken);
        var left = missing.Where(m => !decision.Without.Contains(m.Node, StringComparer.Ordinal)).ToList();
        RestoreReport report;
        if (body.Accept)
        {
            Demand(left, decision);
            if (node.LiveRevision == 0)
                throw new WoodpeckerException(ErrorKind.Unavailable, "This writer has no live key yet; try again.") { Reason = "NotReady" };
            report = await restores.RunAsync(
                stores, decision, Remember, new RestoreHolder(node.AppId, node.LiveRevision), cancellationToken);
        }
        else
        {
            report = await restores.PlanAsync(stores, decision, Remember, cancellationToken);
        }

        return new RestoreDescription
        {
            IsDone = body.Accept,
            Logs = [.. report.Plans.Where(static p => p.Epoch is not null || p.IsDeletion).Take(MaxLogsTold).Select(p => Describe(p, report))],
            Nodes = [.. stores.Select(static s => s.Node)],
            Missing = [.. missing.Select(static m => $"{m.Node}: {m.Why}")],
            Losses = report.Losses,
            Problems = report.Problems,
            HighestRevision = report.HighestRevision,
        };
    }

    private static RestoreDecision ToDecision(AcceptRestoreBody body)
    {
        var by = body.By?.Trim() ?? "";
        var why = body.Reason?.Trim() ?? "";
        if (body.Accept && (by.Length == 0 || why.Length == 0))
            throw Problems.Invalid("A restore is accepted by someone for a reason: 'by' and 'reason' are missing.");
        if (by.Length > AuditValue.MaxBy || why.Length > AuditValue.MaxWhy)
            throw Problems.Invalid($"'by' has at most {AuditValue.MaxBy} characters and 'reason' at most {AuditValue.MaxWhy}.");
        var without = body.Without ?? [];
        if (without.Count > QuorumSpec.Default.Members - QuorumSpec.Default.AckQuorum)
        {
            throw Problems.Invalid(
                "What was confirmed is on two nodes of three, so one may be left out and no more; bring the others back.", "StoresMissing");
        }

        var named = new Dictionary<LogId, string>();
        foreach (var (id, name) in body.Names ?? new Dictionary<string, string>())
        {
            if (!ulong.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var log))
                throw Problems.Invalid($"'{id}' is not the id of a log.");
            named[new LogId(log)] = Problems.CheckLogName(name);
        }

        return new RestoreDecision(by, why, body.AcceptDataLoss) { Names = named, Without = without };
    }

    // What was confirmed is on two stores. All that may hold it must be asked, but for one that an operator leaves out.
    private static void Demand(List<(string Node, string Why)> left, RestoreDecision decision)
    {
        if (left.Count == 0)
            return;
        throw new WoodpeckerException(
            ErrorKind.Conflict,
            $"Nothing was restored: {string.Join("; ", left.Select(static m => $"{m.Node} {m.Why}"))}. What only they remember would be "
            + (decision.Without.Count == 0 ? "lost; start them, or leave one out by name (--without NODE)." : "lost; start them."))
        {
            Reason = "StoresMissing",
        };
    }

    private async ValueTask<(IReadOnlyList<StoreRecollection> Stores, IReadOnlyList<(string Node, string Why)> Missing)> GatherAsync(
        CancellationToken cancellationToken)
    {
        var registered = (await nodes.ListAsync(cancellationToken)).Select(static n => n.NodeId).ToHashSet(StringComparer.Ordinal);
        var named = await ListMembersAsync(cancellationToken);
        var memories = new Dictionary<string, StoreMemory>(StringComparer.Ordinal);
        var silent = new Dictionary<string, string>(StringComparer.Ordinal);
        // A header on one node may name others that metadata does not know any more.
        var ask = registered.Concat(named.Select(static m => m.NodeId)).Distinct(StringComparer.Ordinal).ToList();
        while (ask.Count > 0)
        {
            var answers = await Task.WhenAll(ask.Select(async id => (Id: id, Answer: await inquiry.RecallAsync(id, cancellationToken))));
            foreach (var (id, answer) in answers)
            {
                if (answer.Memory is { } memory && memory.ClusterId == node.ClusterId)
                    memories[id] = memory;
                else
                    silent[id] = answer.Memory is null ? answer.Problem! : "it belongs to another cluster";
            }

            foreach (var member in memories.Values.SelectMany(static m => m.Copies).SelectMany(static c => c.Ensemble))
                named.Add(new ReplicaId(member.NodeId, member.Incarnation, 0));
            ask = [.. named.Select(static m => m.NodeId).Distinct(StringComparer.Ordinal).Where(id => !memories.ContainsKey(id) && !silent.ContainsKey(id))];
        }

        var missing = silent.Select(static s => (s.Key, $"does not answer: {s.Value}")).ToList();
        foreach (var member in named)
        {
            if (memories.TryGetValue(member.NodeId, out var memory) && memory.Incarnation != member.Incarnation
                && !missing.Exists(m => m.Key == member.NodeId))
                missing.Add((member.NodeId, "has another store now, the one that held segments is gone"));
        }

        return ([.. memories.Values.Select(ToRecollection)], [.. missing.OrderBy(static m => m.Key, StringComparer.Ordinal)]);
    }

    // Members of segments whose data are not in objects yet.
    private async ValueTask<HashSet<ReplicaId>> ListMembersAsync(CancellationToken cancellationToken)
    {
        var members = new HashSet<ReplicaId>();
        foreach (var entry in (await runner.Store.ListAsync(MetadataKeys.LogsPrefix, cancellationToken)).Entries)
        {
            if (!entry.Key.Contains("/seg/", StringComparison.Ordinal))
                continue;
            var segment = MetadataJson.Read<SegmentValue>(entry);
            if (segment.State is SegmentState.Open or SegmentState.Recovering or SegmentState.Sealed)
                members.UnionWith(segment.Ensemble.Select(static m => new ReplicaId(m.Node, m.Incarnation, 0)));
        }

        return members;
    }

    private static StoreRecollection ToRecollection(StoreMemory memory) => new(
        memory.NodeId,
        memory.HighestRevision,
        memory.Promises.ToDictionary(static p => new LogId(p.LogId), static p => new LogEpoch(p.Epoch)),
        [.. memory.Copies.Select(c => (new LogId(c.LogId), new FoundCopy(
            memory.NodeId, new SegmentId(c.SegmentId), new LogEpoch(c.Epoch), new Offset(c.BaseOffset))
        {
            Ensemble = [.. c.Ensemble.Select(static m => new ReplicaId(m.NodeId, m.Incarnation, m.Generation))],
            DurableEntry = new EntryId(c.DurableEntry),
            SealedEntry = c.SealedEntry is { } last ? new EntryId(last) : null,
            SealedChain = c.SealedChain,
            Ends = [.. c.Ends.Select(static e => new ChainMark(new EntryId(e.Entry), e.Chain))],
            IsPoisoned = c.IsPoisoned,
        }))]);

    private LogValue? Remember(LogId log) => names.FindById(log)?.Meta.Value;

    private static RestoredLog Describe(RestorePlan plan, RestoreReport report)
    {
        var lacks = new List<string>();
        if (plan.IsNew)
            lacks.Add("the log itself");
        if (plan.IsDeletion)
            lacks.Add("its deletion");
        lacks.AddRange(plan.Segments.Select(static s => string.Create(
            CultureInfo.InvariantCulture,
            $"segment {s.Id}{(s.LastSegment is { } last ? $" to {last}" : "")}: {s.State}{(s.LastEntry is { } end ? $", {end.Value + 1} entries from offset {s.BaseOffset}" : $" from offset {s.BaseOffset}")} ({s.Why})")));
        if (plan.TruncateTo is { } offset)
            lacks.Add(string.Create(CultureInfo.InvariantCulture, $"truncation to offset {offset}"));
        return new RestoredLog
        {
            LogId = plan.Log.Value,
            Name = report.Names.GetValueOrDefault(plan.Log),
            Epoch = plan.Epoch?.Value,
            Lacks = lacks,
            Notes = plan.Notes,
        };
    }
}
