using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Reader;
using Woodpecker.Reading;
using Woodpecker.Segments;
using Woodpecker.Simulation.Checks;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Errors;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Histories;
using Woodpecker.Writer;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Simulation.Workload;

/// <summary>After the faults: every log takes an append, everything can be read, sealed data drains (INV-43 to INV-45).</summary>
internal sealed class FinalPhase(World world)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    public async Task RunAsync()
    {
        // Requests of clients under way come to their end, or are given up.
        await world.Sim.Delay(TimeSpan.FromSeconds(1));
        // A truncation under way, too; and readers hear of it before it is demanded of them.
        await Task.WhenAny(world.Truncating, world.Sim.Delay(_limit));
        await world.Sim.Delay(TimeSpan.FromSeconds(3));
        var number = 900u;
        foreach (var log in world.Scenario.Logs)
        {
            if (!log.IsDeleted && !await AppendAsync(log, ++number))
                return;
        }

        foreach (var log in world.Scenario.Logs)
        {
            if (!log.IsDeleted && !await ReadAllAsync(log))
                return;
        }

        await DrainAsync();
    }

    // INV-45: what is sealed comes into the object store, and the replicas let go of it. No compactor is needed for that.
    private async Task DrainAsync()
    {
        var until = world.Sim.Now + _limit.Ticks;
        while (FindUndrained() is { } left)
        {
            if (world.Sim.Now >= until)
            {
                world.Sim.Fail($"INV-45: after the faults ended sealed data does not drain within {_limit.TotalSeconds} s: {left}");
                return;
            }

            await world.Sim.Delay(TimeSpan.FromMilliseconds(500));
        }
    }

    private string? FindUndrained()
    {
        var states = new Dictionary<SegmentKey, SegmentState>();
        foreach (var log in world.Scenario.Logs)
        {
            foreach (var entry in world.Cluster.Etcd.List(MetadataKeys.SegmentPrefix(log.Id), world.Cluster.Etcd.Revision).Entries)
            {
                var value = MetadataJson.Read<SegmentValue>(entry);
                if (!MetadataKeys.TryParseSegment(entry.Key, out var id))
                    continue;
                var key = new SegmentKey(log.Id, id);
                states[key] = value.State;
                if (value is { State: SegmentState.Sealed, Mode: LogMode.QuorumBuffer, LastEntry.IsNone: false })
                    return $"segment {key} is not published";
            }
        }

        foreach (var node in world.Cluster.Of(NodeKind.Replica))
        {
            if (world.MayLose(node) || node.IsLost)
                continue;
            if (ReplicaOracle.StoreOf(node) is not { } store)
                return $"{node.Name} does not serve";
            // An empty segment of which not every member got the header waits for a compactor, if there is one.
            var kept = store.List().FirstOrDefault(copy => !copy.IsDamaged && !copy.IsPoisoned
                && states.GetValueOrDefault(copy.Key, SegmentState.Deleting) is not
                    (SegmentState.Prepared or SegmentState.Open or SegmentState.Recovering or SegmentState.Sealed));
            if (kept is not null)
                return $"{node.Name} still holds segment {kept.Key}";
        }

        return null;
    }

    /// <summary>At rest no counter is left over (INV-32), and every process that runs has its live key (O1, X10).</summary>
    public async Task CheckRestAsync()
    {
        var until = world.Sim.Now + TimeSpan.FromSeconds(30).Ticks;
        while (FindUnrest() is { } unrest)
        {
            if (world.Sim.Now >= until)
            {
                world.Sim.Fail(unrest);
                return;
            }

            await world.Sim.Delay(TimeSpan.FromSeconds(1));
        }
    }

    private string? FindUnrest()
    {
        foreach (var node in world.Cluster.Nodes.Where(static n => n.IsUp && n.Kind is NodeKind.Writer or NodeKind.Replica))
        {
            if (node.Kind == NodeKind.Writer && World.Service<WriterNode>(node.Life!).QueuedBytes is var queued and not 0)
                return $"INV-32: {node.Name} counts {queued} bytes in flight at rest";
            if (world.Cluster.Etcd.Get(MetadataKeys.Live(node.Name), world.Cluster.Etcd.Revision) is null)
                return $"O1: {node.Name} runs and has no live key";
        }

        return null;
    }

    private async Task<bool> AppendAsync(LogPlan log, uint number)
    {
        var client = world.NewClient($"final-{log.Name}");
        var until = world.Sim.Now + _limit.Ticks;
        var why = "";
        for (ulong i = 0; world.Sim.Now < until; i++)
        {
            var writer = world.PickWriter(world.Sim.Random);
            var payload = SelfDescribingPayload.Create(number, i, 40, world.Seed);
            var op = world.History.InvokeAppend(client.Name, log.Name, payload);
            var result = await TryAppendAsync(client, writer, log, payload);
            switch (result?.Outcome)
            {
                case AppendOutcome.Ok:
                    world.History.AppendOk(op, result.Value.FirstOffset.Value);
                    log.AcknowledgedEnd = Math.Max(log.AcknowledgedEnd, result.Value.FirstOffset.Value + 1);
                    return true;
                case AppendOutcome.NotAppended:
                    why = result.Value.Error!.Message;
                    world.History.NotAppended(op, why);
                    break;
                default:
                    why = result?.Error?.Message ?? "the stream broke";
                    world.History.Indeterminate(op, why);
                    break;
            }

            client.Note("final-append", why);
            await world.Sim.Delay(TimeSpan.FromMilliseconds(500));
        }

        world.Sim.Fail($"INV-44: after the faults ended {log.Name} takes no append within {_limit.TotalSeconds} s: {why}");
        return false;
    }

    private async Task<AppendResult?> TryAppendAsync(Life client, SimNode writer, LogPlan log, byte[] payload)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), client.Clock);
        try
        {
            using var call = new WriterClient(world.Invoker(client, writer.Name)).Append(cancellationToken: limit.Token);
            var request = new AppendRequest { RequestId = 1, Log = log.Name };
            request.Entries.Add(new Protocol.V1.NewEntry { Payload = Google.Protobuf.ByteString.CopyFrom(payload) });
            await call.RequestStream.WriteAsync(request);
            if (!await call.ResponseStream.MoveNext(limit.Token))
                return null;
            return AppendMapping.ToResult(call.ResponseStream.Current);
        }
        catch (Exception e) when (e is Grpc.Core.RpcException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<bool> ReadAllAsync(LogPlan log)
    {
        var until = world.Sim.Now + _limit.Ticks;
        var why = "";
        while (world.Sim.Now < until)
        {
            var life = world.Cluster.Of(NodeKind.Reader).First().Life!;
            var final = world.History.BeginFinalRead(log.Name, $"final-{world.Sim.Now}");
            why = await TryReadAllAsync(life, log, final);
            if (why.Length == 0)
                return true;
            life.Note("final-read", why);
            await world.Sim.Delay(TimeSpan.FromMilliseconds(500));
        }

        world.Sim.Fail($"INV-44: after the faults ended {log.Name} cannot be read to offset {log.AcknowledgedEnd} within {_limit.TotalSeconds} s: {why}");
        return false;
    }

    private static async Task<string> TryReadAllAsync(Life life, LogPlan log, FinalRead final)
    {
        try
        {
            using var lease = await World.Service<ReaderPool>(life).OpenAsync(log.Name, CancellationToken.None);
            var first = 0UL;
            var next = 0UL;
            while (true)
            {
                var outcome = await lease.Reader.ReadAsync(
                    new Offset(next), new ReadLimits(256, 64 * 1024), TimeSpan.Zero, CancellationToken.None);
                switch (outcome.Kind)
                {
                    case ReadOutcomeKind.Entries:
                        foreach (var entry in outcome.Entries)
                            final.Entry(entry.Offset.Value, entry.Payload.Span);
                        next = outcome.Entries[^1].Offset.Value + 1;
                        break;
                    case ReadOutcomeKind.Truncated when next == first:
                        first = next = outcome.Offset.Value;
                        break;
                    case ReadOutcomeKind.NotYet when next >= log.AcknowledgedEnd:
                        final.End(first, next);
                        return "";
                    default:
                        return $"{outcome.Kind} at {next} {outcome.Detail}";
                }
            }
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            return known.Message;
        }
    }
}
