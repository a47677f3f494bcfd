using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Reader;
using Woodpecker.Reading;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Simulation.Workload;

/// <summary>Reads one log in sessions that begin anywhere and follow the tail.</summary>
internal sealed class ReadClient(World world, int number, LogPlan log, SimRandom random)
{
    private int _sessions;

    public async Task RunAsync()
    {
        while (!world.ClientsStop)
        {
            var node = random.Pick(world.Cluster.Of(NodeKind.Reader).ToList());
            if (node.Life is { IsDead: false } life)
                await ReadSessionAsync(life);
            await world.Sim.Delay(random.Between(50, 1_500));
        }
    }

    private async Task ReadSessionAsync(Life life)
    {
        var session = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"reader-client-{number}/{++_sessions}");
        ReaderLease? lease = null;
        try
        {
            var opening = life.Services!.GetRequiredService<ReaderPool>().OpenAsync(log.Name, CancellationToken.None).AsTask();
            if (!await World.OutliveAsync(life, opening))
                return;
            lease = await opening;
        }
        catch (Exception e) when (Storage.Errors.StorageErrors.Translate(e) is { } known)
        {
            world.Coverage.Count("read not opened " + known.Reason);
            return;
        }

        using (lease)
        {
            var from = random.Next(4) switch
            {
                0 => 0UL,
                1 => log.AcknowledgedEnd,
                _ => (ulong)random.Next((int)log.AcknowledgedEnd + 1),
            };
            var until = world.Sim.Now + random.Between(500, 15_000).Ticks;
            while (!world.ClientsStop && world.Sim.Now < until && !life.IsDead)
            {
                if (await ReadOnceAsync(life, lease.Reader, session, from) is not { } next)
                    return;
                from = next;
                if (random.Chance(0.2))
                    await world.Sim.Delay(random.Between(1, 300));
            }
        }
    }

    private async Task<ulong?> ReadOnceAsync(Life life, LogReader reader, string session, ulong from)
    {
        var op = world.History.InvokeRead(session, log.Name, from);
        var limits = new ReadLimits(1 + random.Next(64), 1_000 + random.Next(8_000));
        var reading = reader.ReadAsync(new Offset(from), limits, random.Between(0, 1_500), CancellationToken.None).AsTask();
        if (!await World.OutliveAsync(life, reading))
        {
            world.History.ReadAnswer(op, OperationOutcome.Unavailable, reason: "the reader's process ended");
            return null;
        }

        var outcome = await reading;
        world.Coverage.Count("read " + outcome.Kind);
        return Record(world, op, from, outcome);
    }

    /// <summary>Writes an answer into the history.</summary>
    /// <returns>Where to go on; null: not at all.</returns>
    public static ulong? Record(World world, long op, ulong from, ReadOutcome outcome)
    {
        switch (outcome.Kind)
        {
            case ReadOutcomeKind.Entries:
                world.History.ReadEntries(
                    op, outcome.Entries.Select(static e => SeenEntry.Of(e.Offset.Value, e.Payload.Span)), outcome.Offset.Value);
                return outcome.Entries[^1].Offset.Value + 1;
            case ReadOutcomeKind.NotYet:
                world.History.ReadAnswer(op, OperationOutcome.NotYet, visibleEnd: outcome.Offset.Value);
                return from;
            case ReadOutcomeKind.Truncated:
                world.History.ReadAnswer(op, OperationOutcome.Truncated, offset: outcome.Offset.Value);
                return outcome.Offset.Value;
            case ReadOutcomeKind.Corrupt:
                world.History.ReadAnswer(op, OperationOutcome.Corrupt, from, from, reason: outcome.Detail);
                return null;
            case ReadOutcomeKind.DataLoss:
                world.History.ReadAnswer(op, OperationOutcome.DataLoss, from, from, reason: outcome.Detail);
                return null;
            case ReadOutcomeKind.Deleted:
                world.History.ReadAnswer(op, OperationOutcome.Deleted);
                return null;
            default:
                world.History.ReadAnswer(op, OperationOutcome.Unavailable, reason: outcome.Detail);
                return from;
        }
    }
}
