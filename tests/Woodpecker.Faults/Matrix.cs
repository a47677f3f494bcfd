using System.Runtime.InteropServices;
using Woodpecker.Faults.Running;

namespace Woodpecker.Faults;

/// <summary>Runs cells one after the other on one system; a new one after a cell that failed.</summary>
internal sealed class Matrix(FaultOptions options, IReadOnlyList<Cell> cells)
{
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<CellResult> _results = [];
    private readonly List<Cell> _notRun = [];
    private FaultSystem? _system;
    private volatile bool _isStopping;

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_start);

    public async Task<int> RunAsync()
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopAfterThisCell);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopAfterThisCell);
        var hasS3 = HasS3();
        foreach (var needsFiles in new[] { false, true })
        {
            foreach (var (index, cell) in cells.Index().Where(c => c.Item.Fault.NeedsObjectFiles == needsFiles))
            {
                if (_isStopping || Elapsed > options.Limit)
                    _notRun.Add(cell);
                else
                    await RunAsync(cell, index, withS3: hasS3 && !needsFiles);
            }

            await StopAsync();
        }

        var report = MatrixReport.Write(_results, _notRun, options, Elapsed);
        if (options.Output is { } file)
            await File.WriteAllTextAsync(file, report);
        Console.WriteLine(report);
        return _results.Any(static r => r.Problems.Count > 0) || _results.All(static r => r.Skipped is not null) ? 1 : 0;
    }

    /// <summary>Mounts, servers and processes are taken down in order, and the report is written.</summary>
    private void StopAfterThisCell(PosixSignalContext context)
    {
        _isStopping = true;
        context.Cancel = true;
    }

    private async Task RunAsync(Cell cell, int index, bool withS3)
    {
        var seed = unchecked((options.Seed * 1_000) + index);
        CellResult result;
        try
        {
            _system ??= await FaultSystem.StartAsync(withS3);
            result = cell.Fault.WhyNot(_system) is { } why
                ? new CellResult(cell, seed) { Skipped = why }
                : await new CellRunner(_system, options, cell, index).RunAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            result = new CellResult(cell, seed) { Problems = [$"{e.GetType().Name}: {FirstLines(e.Message)}"] };
        }

        _results.Add(result);
        Console.WriteLine(result.Skipped is { } skipped ? $"skipped {cell.Name}: {skipped}" : MatrixReport.Line(result));
        foreach (var problem in result.Problems)
            Console.WriteLine($"    {problem}");
        if (result.Problems.Count > 0)
            await StopAsync();
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
