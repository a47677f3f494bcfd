using System.Runtime.InteropServices;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>
/// Runs fault after fault on one system; a new one after a cell that failed. Cells are read back while the next ones' clients
/// become warm, and are over before the next fault comes.
/// </summary>
internal sealed class Matrix(FaultOptions options, IReadOnlyList<Cell> all, IReadOnlyList<Cell> asked)
{
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<CellResult> _results = [];
    private Dictionary<string, CellResult> _known = [];
    private FaultSystem? _system;
    private Task<IReadOnlyList<CellResult>>? _finishing;
    private Injection? _last;
    private volatile bool _isStopping;

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_start);

    // Nothing of a cell takes that long but a fault that is asked to; a cell that hangs must not take the run with it.
    private TimeSpan CellLimit => TimeSpan.FromMinutes(6) + options.Outage + (options.Duration * 4);

    public async Task<int> RunAsync()
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopAfterThisCell);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopAfterThisCell);
        if (options.Results is { } file)
            _known = MatrixReport.LastOfEach(ResultFile.Load(file));
        var cells = asked.Where(c => options.Again || !_known.TryGetValue(c.Name, out var known) || known.Skipped is not null);
        var groups = Cell.Together(cells).Index()
            .Where(g => g.Index % options.Part.Count == options.Part.Index - 1).Select(static g => g.Item).ToList();
        Console.WriteLine($"{groups.Sum(static g => g.Count)} cells to run with {groups.Count} faults, "
            + $"{asked.Count(c => _known.ContainsKey(c.Name))} known already.");
        foreach (var reason in Cell.LeftOut([.. asked.Select(static c => c.Fault).Distinct()]))
            Console.WriteLine($"left out: {reason}");
        var hasS3 = HasS3();
        foreach (var needsFiles in new[] { false, true })
        {
            foreach (var group in groups.Where(g => g[0].Fault.NeedsObjectFiles == needsFiles))
            {
                if (!_isStopping && Elapsed < options.Limit)
                    await RunAsync(group, withS3: hasS3 && !needsFiles);
            }

            await StopAsync();
        }

        if (options.Results is not null)
            await MatrixReport.MakeAsync(options, all);
        else
            await MatrixReport.WriteAsync(_results, asked, options);
        return _results.Any(static r => r.Problems.Count > 0) || _results.All(static r => r.Skipped is not null) ? 1 : 0;
    }

    /// <summary>Mounts, servers and processes are taken down in order, and the report is written.</summary>
    private void StopAfterThisCell(PosixSignalContext context)
    {
        _isStopping = true;
        context.Cancel = true;
    }

    private async Task RunAsync(IReadOnlyList<Cell> cells, bool withS3)
    {
        Injection? injection = null;
        try
        {
            _system ??= await FaultSystem.StartAsync(withS3, options);
            if (cells[0].Fault.WhyNot(_system) is { } why)
            {
                foreach (var cell in cells)
                    Add(CellResult.Of(cell, options) with { Skipped = why });
                return;
            }

            injection = new Injection(_system, options, cells);
            await injection.PrepareAsync().WaitAsync(CellLimit);
            if (!await EndLastAsync())
            {
                // What the last one met may still be there.
                await injection.DisposeAsync();
                await StopAsync();
                await RunAsync(cells, withS3);
                return;
            }

            await injection.ExerciseAsync().WaitAsync(CellLimit);
            (_last, _finishing) = (injection, injection.FinishAsync());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            foreach (var cell in cells)
                Add(CellResult.Of(cell, options) with { Problems = [$"{e.GetType().Name}: {FirstLines(e.Message)}"] });
            if (injection is not null)
                await injection.DisposeAsync();
            await StopAsync();
        }
    }

    /// <summary>Waits for what is read back of the last cells.</summary>
    /// <returns>Whether they were clean.</returns>
    private async Task<bool> EndLastAsync()
    {
        if (_finishing is not { } finishing)
            return true;
        var last = _last!;
        (_finishing, _last) = (null, null);
        var results = await finishing.WaitAsync(CellLimit);
        await last.DisposeAsync();
        foreach (var result in results)
            Add(result);
        return results.All(static r => r.Problems.Count == 0);
    }

    private void Add(CellResult result)
    {
        _results.Add(result);
        if (options.Results is { } file)
            ResultFile.Append(file, result);
        Console.WriteLine(result.Skipped is { } skipped ? $"skipped {result.Name}: {skipped}" : MatrixReport.Line(result, earlier: null));
        foreach (var problem in result.Problems)
            Console.WriteLine($"    {problem}");
    }

    private string FirstLines(string message)
    {
        // The logs of all processes may follow.
        if (options.Output is { } report)
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(report + ".failures").FullName, $"start-{_results.Count}.log"), message);
        return message.Split('\n')[0];
    }

    private async Task StopAsync()
    {
        await EndLastAsync();
        if (_system is { } system)
            await system.DisposeAsync();
        _system = null;
    }

    private static bool HasS3()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        return new[] { "radosgw", "ceph-mon", "ceph-osd" }.All(p => folders.Any(f => File.Exists(Path.Combine(f, p))));
    }
}
