using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Load;
using Woodpecker.Faults.Running;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Faults;

/// <summary>One cell: its own logs, clients, history and verdict.</summary>
internal sealed class CellRunner(FaultSystem system, FaultOptions options, Cell cell) : IAsyncDisposable
{
    private const long SmallSegment = 64 * 1024;
    private const long LargeSegment = 8 * 1024 * 1024;

    // Of two loaded cores; the pause that is measured is in the table.
    private static readonly TimeSpan _recoveryLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _readLimit = TimeSpan.FromMinutes(4);

    private readonly List<string> _problems = [];
    private readonly List<string> _notes = [];
    private readonly int _seed = cell.Seed(options);

    public Cell Cell => cell;

    public Workload Load { get; } = new(
        system, $"{cell.Number}", cell.Seed(options),
        cell.Phase is Phase.Roll or Phase.Upload or Phase.Merge or Phase.Truncation ? SmallSegment : LargeSegment,
        cell.Phase is Phase.Roll or Phase.Upload or Phase.Merge ? Workload.Dense : Workload.Sparse);

    /// <summary>Whether something went wrong already.</summary>
    public bool HasProblems => _problems.Count > 0;

    public void AddProblem(string problem)
    {
        lock (_problems)
            _problems.Add(problem);
    }

    public void AddNotes(IEnumerable<string> notes) => _notes.AddRange(notes);

    /// <summary>A step whose failure is a problem of this cell.</summary>
    public async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            AddProblem($"{e.GetType().Name}: {e.Message.Split('\n')[0]}");
        }
    }

    /// <summary>Logs and clients; nothing that another cell would notice.</summary>
    public async Task PrepareAsync()
    {
        using (var limit = new CancellationTokenSource(_recoveryLimit))
            await Load.CreateLogsAsync(limit.Token);
        foreach (var log in Load.Logs)
            Load.StartFollower(log);
        Load.StartProducers();
        if (cell.Phase == Phase.Truncation)
            Load.StartTruncator();
        await UntilAllAdvanceAsync(Load.Statistics.Elapsed);
        await Task.Delay(cell.Phase is Phase.Merge or Phase.CatchUp ? 2_000 : 500); // Something to merge, to catch up with.
    }

    /// <summary>Who owns the cell's log.</summary>
    public async Task<string?> OwnerAsync()
    {
        using var limit = new CancellationTokenSource(_recoveryLimit);
        return (await Load.Client.DescribeLogAsync(Load.Quorum, limit.Token)).Owner;
    }

    /// <summary>What the phase does while the fault lasts.</summary>
    public async Task SideEventsAsync(string owner, CancellationToken end)
    {
        switch (cell.Phase)
        {
            case Phase.Takeover when !system.IsEnded(owner):
                await Task.Delay(300, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!system.IsEnded(owner))
                    await system.System.KillAsync(owner);
                break;
            case Phase.Merge:
                while (!end.IsCancellationRequested)
                {
                    await RunCompactorAsync(end);
                    await Task.Delay(200, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                break;
            case Phase.CatchUp:
                for (var i = 0; i < 5 && !end.IsCancellationRequested; i++)
                {
                    Load.StartFollower(Load.Quorum);
                    await Task.Delay(500, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                break;
        }
    }

    private async Task RunCompactorAsync(CancellationToken end)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(end);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var answer = await system.System.Invoke("compactor").PostAsync("control/run", null, limit.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The compactor may be what the fault has met.
        }
    }

    /// <summary>Every log takes appends again; an idle one its first.</summary>
    public Task RecoverAsync(TimeSpan since) => cell.Phase == Phase.Idle ? AppendAfterIdleAsync(Load) : UntilAllAdvanceAsync(since);

    /// <summary>Reads everything back and judges it.</summary>
    public async Task<CellResult> FinishAsync()
    {
        await CheckAsync(Load);
        if (HasProblems || options.KeepsAll)
            Keep(Load);
        if (!HasProblems)
            await DeleteAsync(Load);
        var statistics = Load.Statistics;
        return CellResult.Of(cell, options) with
        {
            Acknowledged = statistics.Acknowledged,
            Indeterminate = statistics.Indeterminate,
            Refused = statistics.Refused,
            Reasons = statistics.Reasons,
            LongestPause = Math.Round(statistics.LongestPause.TotalSeconds, 2),
            Recovery = Math.Round(statistics.Recovery.TotalSeconds, 2),
            Notes = _notes,
            Problems = _problems,
        };
    }

    public ValueTask DisposeAsync() => Load.DisposeAsync();

    private async Task UntilAllAdvanceAsync(TimeSpan since)
    {
        foreach (var log in Load.Logs)
        {
            while (!Load.Statistics.HasAdvanced(log, since))
            {
                if (Load.Statistics.Elapsed - since > _recoveryLimit)
                {
                    throw new TimeoutException(
                        $"Log {log} took no append within {_recoveryLimit.TotalSeconds} s (INV-44). {Load.Statistics.Reasons}");
                }

                await Task.Delay(20);
            }
        }
    }

    /// <summary>The idle system must take the first append after the fault.</summary>
    private async Task AppendAfterIdleAsync(Workload load)
    {
        for (var i = 0; i < load.Logs.Count; i++)
        {
            var log = load.Logs[i];
            var payload = SelfDescribingPayload.Create(9, (ulong)i, 100, _seed);
            var op = load.History.InvokeAppend("after idle", log, payload);
            using var limit = new CancellationTokenSource(_recoveryLimit);
            var answer = await load.Client.AppendAsync(log, payload, limit.Token);
            load.Statistics.Count(log, answer);
            if (answer.Outcome == AppendOutcome.Ok)
                load.History.AppendOk(op, answer.FirstOffset.Value);
            else
                AddProblem($"The first append to {log} after an idle fault: {answer.Outcome} {answer.Error?.Message}");
        }
    }

    private async Task CheckAsync(Workload load)
    {
        try
        {
            await load.StopReadersAsync();
            using var limit = new CancellationTokenSource(_readLimit);
            await Task.WhenAll(load.Logs.Select(log => load.ReadAllAsync(log, AcknowledgedEnd(load, log), "after the fault", limit.Token)));
        }
        catch (Exception e) when (e is WoodpeckerException or TimeoutException or OperationCanceledException)
        {
            AddProblem($"The logs could not be read to their ends: {e.Message.Split('\n')[0]}");
        }

        var verdict = HistoryChecker.Check(load.History);
        _problems.AddRange(verdict.Violations.Take(10).Select(static v => v.ToString()));
        if (verdict.Counts.Acknowledged == 0)
            AddProblem("Nothing was acknowledged, so nothing is shown.");
    }

    private static ulong AcknowledgedEnd(Workload load, string log)
    {
        var counts = new Dictionary<long, int>();
        ulong end = 0;
        foreach (var line in load.History.Events)
        {
            if (line.Kind != OperationKind.Append)
                continue;
            if (line.Step == HistoryStep.Invoke && line.Log == log)
                counts.Add(line.Op, line.Payloads!.Count);
            else if (line.Outcome == OperationOutcome.Ok && counts.TryGetValue(line.Op, out var count))
                end = Math.Max(end, line.Offset!.Value + (ulong)count);
        }

        return end;
    }

    /// <summary>The next cell begins without the leftovers of this one.</summary>
    private async Task DeleteAsync(Workload load)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Task.WhenAll(load.Logs.Select(async log =>
        {
            try
            {
                await load.Client.DeleteLogAsync(log, limit.Token);
            }
            catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
            {
                AddProblem($"{log} could not be deleted: {e.Message}");
            }
        }));
    }

    private void Keep(Workload load)
    {
        if (options.Output is not { } report)
            return;
        var folder = Directory.CreateDirectory(report + ".failures").FullName;
        var name = string.Concat(cell.Name.Select(static c => char.IsLetterOrDigit(c) ? c : '-'));
        HistoryFile.Save(load.History, Path.Combine(folder, $"{name}-{_seed}.jsonl"));
        File.WriteAllText(Path.Combine(folder, $"{name}-{_seed}.log"), system.System.Logs(lines: 400));
    }
}
