using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>
/// One fault and the cells that meet it, in three steps: clients are made warm, the fault comes and goes, everything is read
/// back and checked. The first may run beside the last one of the fault before.
/// </summary>
internal sealed class Injection(FaultSystem system, FaultOptions options, IReadOnlyList<Cell> cells) : IAsyncDisposable
{
    private readonly List<CellRunner> _cells = [.. cells.Select(c => new CellRunner(system, options, c))];
    private readonly Fault _fault = cells[0].Fault;

    private CellCost _cost = new();
    private long _ready;

    public async Task PrepareAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        await OfAllAsync(static c => c.PrepareAsync());
        _cost = _cost with { Prepare = Since(start) };
        _ready = TimeProvider.System.GetTimestamp();
    }

    /// <summary>The fault, its end, and every log taking appends again.</summary>
    public async Task ExerciseAsync()
    {
        _cost = _cost with { Waited = Since(_ready) };
        await OfAllTogetherAsync(MeetFaultAsync);
        var start = TimeProvider.System.GetTimestamp();
        try
        {
            await system.MendAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _cells.ForEach(c => c.AddProblem($"The system did not become healthy again: {e.Message.Split('\n')[0]}"));
        }

        await OfAllAsync(static c => c.Load.StopProducersAsync());
        _cost = _cost with { Mend = Math.Round(_cost.Mend + Since(start), 1) };
    }

    /// <summary>Reads everything back and judges it.</summary>
    public async Task<IReadOnlyList<CellResult>> FinishAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        var results = await Task.WhenAll(_cells.Select(static c => c.FinishAsync()));
        _cost = _cost with { Check = Since(start) };
        return [.. results.Select(r => r with { Cost = _cost, Together = _cells.Count })];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cell in _cells)
            await cell.DisposeAsync();
    }

    private static double Since(long start) => Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 1);

    private Task OfAllAsync(Func<CellRunner, Task> step) => Task.WhenAll(_cells.Select(c => c.TryAsync(() => step(c))));

    /// <summary>A step of all, whose failure is a problem of all.</summary>
    private async Task OfAllTogetherAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _cells.ForEach(c => c.AddProblem($"{e.GetType().Name}: {e.Message.Split('\n')[0]}"));
        }
    }

    private async Task MeetFaultAsync()
    {
        if (_cells.Any(static c => c.HasProblems))
            throw new InvalidOperationException("The clients did not become warm, so there was no fault.");
        if (system.Store is { } store && _cells.Any(static c => c.Cell.Phase == Phase.Upload))
        {
            store.Mode = (StoreFault.SlowDown, 1); // What is sealed now is uploaded during the fault.
            await Task.Delay(500);
            store.Mode = (StoreFault.None, 1);
        }

        var owners = await Task.WhenAll(_cells.Select(static c => c.OwnerAsync()));
        var owner = owners[0] ?? FaultSystem.Writers[0];
        foreach (var (cell, other) in _cells.Zip(owners).Where(c => c.Second is { } name && name != owner))
            cell.AddNotes([$"its owner was {other}"]);
        await Task.WhenAll(_cells.Where(static c => c.Cell.Phase == Phase.Idle).Select(static c => c.Load.StopProducersAsync()));
        _cells.ForEach(static c => c.Load.Statistics.ForgetPauses());

        var random = new Random(_cells[0].Cell.Seed(options));
        var context = new FaultContext(system, [.. _cells.Select(static c => c.Load)], random, options.Duration, options, owner);
        using var end = new CancellationTokenSource();
        var start = TimeProvider.System.GetTimestamp();
        var side = OfAllAsync(c => c.SideEventsAsync(owner, end.Token));
        try
        {
            await _fault.ActAsync(context);
        }
        finally
        {
            await end.CancelAsync();
            await side;
            _cells.ForEach(c => c.AddNotes(context.Notes));
            _cost = _cost with { Fault = Since(start) };
        }

        var healed = _cells.ConvertAll(static c => c.Load.Statistics.Elapsed);
        _cells.ForEach(static c => c.Load.Statistics.Mark());
        start = TimeProvider.System.GetTimestamp();
        var restarted = system.OpenAllAsync();
        await OfAllAsync(c => c.RecoverAsync(healed[_cells.IndexOf(c)]));
        await restarted;
        _cost = _cost with { Mend = Since(start) };
    }
}
