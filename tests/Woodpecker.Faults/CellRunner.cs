using Woodpecker.EndToEnd.Tests;
using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Load;
using Woodpecker.Faults.Network;
using Woodpecker.Faults.Running;
using Woodpecker.Testing.Histories;

namespace Woodpecker.Faults;

/// <summary>
/// One cell in three steps: clients are made warm, the fault comes and goes, everything is read back and checked. The first
/// may run beside the last one of the cell before.
/// </summary>
internal sealed class CellRunner(FaultSystem system, FaultOptions options, Cell cell) : IAsyncDisposable
{
    private const long SmallSegment = 64 * 1024;
    private const long LargeSegment = 8 * 1024 * 1024;

    // Of two loaded cores; the pause that is measured is in the table.
    private static readonly TimeSpan _recoveryLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _readLimit = TimeSpan.FromSeconds(60);

    private readonly List<string> _problems = [];
    private readonly List<string> _notes = [];
    private readonly int _seed = cell.Seed(options);
    private readonly Workload _load = new(
        system, $"{cell.Number}", cell.Seed(options),
        cell.Phase is Phase.Roll or Phase.Upload or Phase.Merge or Phase.Truncation ? SmallSegment : LargeSegment);

    private CellCost _cost = new();
    private long _ready;

    /// <summary>Logs and clients; nothing that another cell would notice.</summary>
    public async Task PrepareAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        await TryAsync(async () =>
        {
            using (var limit = new CancellationTokenSource(_recoveryLimit))
                await _load.CreateLogsAsync(limit.Token);
            foreach (var log in _load.Logs)
                _load.StartFollower(log);
            _load.StartProducers();
            if (cell.Phase == Phase.Truncation)
                _load.StartTruncator();
            await UntilAllAdvanceAsync(_load.Statistics.Elapsed);
            await Task.Delay(cell.Phase is Phase.Merge or Phase.CatchUp ? 2_000 : 500); // Something to merge, to catch up with.
        });
        _cost = _cost with { Prepare = Since(start) };
        _ready = TimeProvider.System.GetTimestamp();
    }

    /// <summary>The fault, its end, and every log taking appends again.</summary>
    public async Task ExerciseAsync()
    {
        _cost = _cost with { Waited = Since(_ready) };
        if (_problems.Count == 0)
            await TryAsync(MeetFaultAsync);
        var start = TimeProvider.System.GetTimestamp();
        try
        {
            await system.MendAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _problems.Add($"The system did not become healthy again: {e.Message.Split('\n')[0]}");
        }

        await TryAsync(_load.StopProducersAsync);
        _cost = _cost with { Mend = Math.Round(_cost.Mend + Since(start), 1) };
    }

    /// <summary>Reads everything back and judges it.</summary>
    public async Task<CellResult> FinishAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        await CheckAsync(_load);
        if (_problems.Count > 0 || options.KeepsAll)
            Keep(_load);
        if (_problems.Count == 0)
            await DeleteAsync(_load);
        _cost = _cost with { Check = Since(start) };
        var statistics = _load.Statistics;
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
            Cost = _cost,
        };
    }

    public ValueTask DisposeAsync() => _load.DisposeAsync();

    private static double Since(long start) => Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 1);

    private async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _problems.Add($"{e.GetType().Name}: {e.Message.Split('\n')[0]}");
        }
    }

    private async Task MeetFaultAsync()
    {
        var isIdle = cell.Phase == Phase.Idle;
        var withholdsStore = cell.Phase == Phase.Upload && system.Store is not null;
        if (withholdsStore)
        {
            system.Store!.Mode = (StoreFault.SlowDown, 1); // What is sealed now is uploaded during the fault.
            await Task.Delay(500);
        }

        var owner = (await DescribeAsync(_load)) ?? FaultSystem.Writers[0];
        if (isIdle)
            await _load.StopProducersAsync();
        if (withholdsStore)
            system.Store!.Mode = (StoreFault.None, 1);
        _load.Statistics.ForgetPauses();

        var context = new FaultContext(system, _load, new Random(_seed), options.Duration, options, owner);
        using var end = new CancellationTokenSource();
        var start = TimeProvider.System.GetTimestamp();
        var side = SideEventsAsync(_load, owner, end.Token);
        try
        {
            await cell.Fault.ActAsync(context);
        }
        finally
        {
            await end.CancelAsync();
            await side;
            _notes.AddRange(context.Notes);
            _cost = _cost with { Fault = Since(start) };
        }

        var healed = _load.Statistics.Elapsed;
        _load.Statistics.Mark();
        start = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(system.OpenAllAsync(), isIdle ? AppendAfterIdleAsync(_load) : UntilAllAdvanceAsync(healed));
        _cost = _cost with { Mend = Since(start) };
    }

    /// <summary>What the phase does while the fault lasts.</summary>
    private async Task SideEventsAsync(Workload load, string owner, CancellationToken end)
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
                    load.StartFollower(load.Quorum);
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

    private static async Task<string?> DescribeAsync(Workload load)
    {
        using var limit = new CancellationTokenSource(_recoveryLimit);
        return (await load.Client.DescribeLogAsync(load.Quorum, limit.Token)).Owner;
    }

    private async Task UntilAllAdvanceAsync(TimeSpan since)
    {
        foreach (var log in _load.Logs)
        {
            while (!_load.Statistics.HasAdvanced(log, since))
            {
                if (_load.Statistics.Elapsed - since > _recoveryLimit)
                {
                    throw new TimeoutException(
                        $"Log {log} took no append within {_recoveryLimit.TotalSeconds} s (INV-44). {_load.Statistics.Reasons}");
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
                _problems.Add($"The first append to {log} after an idle fault: {answer.Outcome} {answer.Error?.Message}");
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
            _problems.Add($"The logs could not be read to their ends: {e.Message.Split('\n')[0]}");
        }

        var verdict = HistoryChecker.Check(load.History);
        _problems.AddRange(verdict.Violations.Take(10).Select(static v => v.ToString()));
        if (verdict.Counts.Acknowledged == 0)
            _problems.Add("Nothing was acknowledged, so nothing is shown.");
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
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        await Task.WhenAll(load.Logs.Select(async log =>
        {
            try
            {
                await load.Client.DeleteLogAsync(log, limit.Token);
            }
            catch (Exception e) when (e is WoodpeckerException or OperationCanceledException)
            {
                lock (_problems)
                    _problems.Add($"{log} could not be deleted: {e.Message}");
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
