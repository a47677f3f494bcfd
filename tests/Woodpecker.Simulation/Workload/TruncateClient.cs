using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Errors;
using Woodpecker.Testing.Histories;
using Woodpecker.Writer.Control;

namespace Woodpecker.Simulation.Workload;

/// <summary>Truncates logs now and then, through any writer.</summary>
internal sealed class TruncateClient(World world, SimRandom random)
{
    public async Task RunAsync()
    {
        while (!world.ClientsStop)
        {
            await world.Sim.Delay(random.Between(1_000, 12_000));
            var node = world.PickWriter(random);
            if (!world.ClientsStop && node.Life is { IsDead: false } life)
                await TruncateAsync(life, random.Pick(world.Scenario.Logs));
        }
    }

    private async Task TruncateAsync(Life life, LogPlan log)
    {
        var to = world.Scenario.Profile == Profile.Retire && random.Chance(0.5)
            ? log.AcknowledgedEnd : (ulong)random.Next((int)log.AcknowledgedEnd + 1);
        var op = world.History.InvokeTruncate("truncator", log.Name, to);
        try
        {
            var work = World.Service<LogDirectory>(life).TruncateAsync(log.Name, to, CancellationToken.None).AsTask();
            if (!await World.OutliveAsync(life, work))
            {
                world.History.Failed(op, OperationKind.Truncate, "the writer's process ended");
                return;
            }

            var answer = await work;
            life.Note("truncated", $"{log.Name} to {answer.FirstOffset}");
            world.Coverage.Count("truncate ok");
            world.History.TruncateOk(op, answer.FirstOffset);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            world.Coverage.Count("truncate refused " + known.Reason);
            world.History.Failed(op, OperationKind.Truncate, known.Message);
        }
    }
}
